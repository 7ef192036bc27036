"""Python's jinja2 as Transformers sets it up for chat templates.

Needs `pip install jinja2==3.1.6 transformers==5.23.0`, and no torch.
"""

import datetime

import jinja2
import transformers.utils.chat_template_utils as chat_template_utils

# What strftime_now says in the vectors; the tests render with this time too.
NOW = datetime.datetime(2026, 3, 4, 15, 6, 7)


class FixedTime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


chat_template_utils.datetime = FixedTime

assert jinja2.__version__ == "3.1.6", jinja2.__version__


def compiled(template):
    """A template in Transformers' sandbox; raises what jinja2 raises."""
    return chat_template_utils._compile_jinja_template(template)


def render_chat(template, messages, tools=None, documents=None, add_generation_prompt=False, **kwargs):
    """A chat as `apply_chat_template` renders it."""
    rendered, _ = chat_template_utils.render_jinja_template(
        conversations=[messages],
        tools=tools,
        documents=documents,
        chat_template=template,
        add_generation_prompt=add_generation_prompt,
        **kwargs,
    )
    return rendered[0]
