"""Makes src/test/resources/template/chats.json.gz: what Transformers makes of chats with the templates of many models.

    pip install jinja2==3.1.6 transformers==5.23.0
    python src/test/scripts/chat_cases.py target/llama-cpp-source/models/templates

The templates are llama.cpp's collection, which `build/fetch-llama-source` gets; they are read at test time and not
kept here. For each template and chat: the length in characters (UTF-16) and the first 64 bits of the SHA-256 of the
text in UTF-8, or null and the message where the template refuses.
"""

import copy
import gzip
import hashlib
import json
import pathlib
import sys

from transformers_jinja import render_chat

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the \"current\" weather — für <b>any</b> city & 'place'.\nSecond line.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "The city, e.g. Zürich"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
                "days": {"type": ["integer", "null"], "description": "Days ahead", "minimum": 0},
                "exact": {"type": "boolean", "default": False},
            },
            "required": ["city"],
        },
    },
}
SEARCH = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Search documents",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "filters": {
                    "type": "object",
                    "properties": {"from": {"type": "string"}, "scores": {"type": "array", "items": {"type": "number"}}},
                    "required": [],
                },
            },
            "required": ["query", "filters"],
        },
        "return": {"type": "string"},
    },
}
PLAIN = {"type": "function", "function": {"name": "now", "description": "The time", "parameters": {}}}


def user(content):
    return {"role": "user", "content": content}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def system(content):
    return {"role": "system", "content": content}


def call(name, arguments, id="call_abc12"):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool(content, id="call_abc12", name="get_weather"):
    return {"role": "tool", "tool_call_id": id, "name": name, "content": content}


TURNS = [user("Hi"), assistant("Hello! How can I help?"), user("What is 2 + 2?")]
CALLED = [
    user("What's the weather in Zürich?"),
    assistant("", tool_calls=[call("get_weather", {"city": "Zürich", "days": 2, "exact": True, "x": None, "y": 1.5})]),
    tool('{"temperature": 21.5, "sky": "clear"}'),
]
TEXTS = [{"type": "text", "text": "First part."}, {"type": "text", "text": "Second: \"é\""}]
DOCUMENTS = [
    {"title": "One", "text": "Text of one.\nTwo lines.", "doc_id": 1, "id": "1", "contents": "c1"},
    {"title": "Zwei", "text": "<b>Zweiter</b> \"Text\"", "doc_id": 2, "id": "2", "contents": "c2"},
]

# Name → (messages, what else `apply_chat_template` is given).
CHATS = {
    "plain": ([user("Hello")], {}),
    "plain-open": ([user("Hello")], {"add_generation_prompt": True}),
    "system": ([system("You are terse."), user("Hi")], {"add_generation_prompt": True}),
    "turns": (TURNS, {"add_generation_prompt": True}),
    "turns-closed": ([*TURNS, assistant("4.")], {}),
    "system-turns": ([system("Be kind.\n\nAlways."), *TURNS, assistant("Four."), user("Thanks!")],
                     {"add_generation_prompt": True}),
    "text": ([user(" \n Grüße, 世界 🙂👩‍👩‍👧 \u00a0 e\u0301 <b>&amp; \"double\" 'single' \\n back\\slash\t{{ x }} {% y %} \n"),
              assistant("\n\n ok \n"), user("<|im_end|>\n</s>[INST]")], {"add_generation_prompt": True}),
    "empty": ([user(""), assistant(""), user("x")], {"add_generation_prompt": True}),
    "null": ([user("x"), assistant(None), user("y")], {"add_generation_prompt": True}),
    "parts": ([system([{"type": "text", "text": "Sys."}]), user(TEXTS), assistant([{"type": "text", "text": "A"}]), user(TEXTS)],
              {"add_generation_prompt": True}),
    "tools": ([user("Weather in Rome?")], {"tools": [WEATHER], "add_generation_prompt": True}),
    "tools-system": ([system("Use tools."), user("Weather in Rome?")],
                     {"tools": [WEATHER, SEARCH, PLAIN], "add_generation_prompt": True}),
    "tools-empty": ([user("Hi")], {"tools": [], "add_generation_prompt": True}),
    "called": (CALLED, {"tools": [WEATHER, SEARCH], "add_generation_prompt": True}),
    "called-answered": ([system("S"), *CALLED, assistant("It is 21.5 °C."), user("And tomorrow?")],
                        {"tools": [WEATHER], "add_generation_prompt": True}),
    "called-closed": (CALLED[:2], {"tools": [WEATHER]}),
    "called-null": ([user("W?"), assistant(None, tool_calls=[call("get_weather", {"city": "Rom"})]), tool("21", name="get_weather")],
                    {"tools": [WEATHER], "add_generation_prompt": True}),
    "called-string": ([user("W?"), assistant("", tool_calls=[call("get_weather", "{\"city\": \"Rom\"}")]), tool("21")],
                      {"tools": [WEATHER], "add_generation_prompt": True}),
    "called-bare": ([user("W?"), {"role": "assistant", "tool_calls": [{"function": {"name": "now", "arguments": {}}}]},
                     {"role": "tool", "content": "12:00"}, user("ok")], {"tools": [PLAIN], "add_generation_prompt": True}),
    "called-twice": ([user("Both"), assistant("Let me see.", tool_calls=[
        call("get_weather", {"city": "Rom"}, "call_00001"), call("search", {"query": "a \"b\"", "filters": {"scores": [1, 2.0]}}, "call_00002")]),
        tool("21", "call_00001"), tool("{\"hits\": []}", "call_00002", "search"), assistant("Done."), user("Again")],
        {"tools": [WEATHER, SEARCH], "add_generation_prompt": True}),
    "called-parts": ([user("W?"), assistant("", tool_calls=[call("get_weather", {"city": "Rom"})]), tool([{"type": "text", "text": "21"}])],
                     {"tools": [WEATHER], "add_generation_prompt": True}),
    "reasoning": ([user("2+2?"), assistant("4", reasoning_content="Two and two\nmake four."), user("3+3?")],
                  {"add_generation_prompt": True}),
    "reasoning-called": ([user("W?"), assistant("", reasoning_content="I need the tool.", tool_calls=[call("get_weather", {"city": "Rom"})]),
                          tool("21"), assistant("21 °C", reasoning_content="Got it."), user("ok")],
                         {"tools": [WEATHER], "add_generation_prompt": True}),
    "reasoning-last": ([user("W?"), assistant("", reasoning_content="Tool!", tool_calls=[call("get_weather", {"city": "Rom"})]), tool("21")],
                       {"tools": [WEATHER], "add_generation_prompt": True}),
    "think-tags": ([user("2+2?"), assistant("<think>\nhm\n</think>\n\n4"), user("3+3?"), assistant("<think>x</think>6")], {}),
    "thinking-off": (TURNS, {"add_generation_prompt": True, "enable_thinking": False, "thinking": False, "think": False}),
    "thinking-on": (TURNS, {"add_generation_prompt": True, "enable_thinking": True, "thinking": True, "think": True,
                            "reasoning_effort": "high", "thinking_budget": 512}),
    "dates": ([system("S"), user("When?")], {"add_generation_prompt": True, "date_string": "26 Jul 2024", "today_date": "2024-07-26",
                                             "current_date": "2024-07-26", "builtin_tools": ["brave_search", "code_interpreter"]}),
    "tools-in-user": ([user("W?")], {"tools": [WEATHER], "tools_in_user_message": False, "add_generation_prompt": True,
                                     "custom_tools": None, "model_identity": "You are X.", "xml_tools": [WEATHER]}),
    "documents": ([user("What do they say?")], {"documents": DOCUMENTS, "add_generation_prompt": True,
                                                "controls": {"length": "short"}, "citation_mode": "accurate"}),
    "documents-system": ([system("Cite."), user("What?"), assistant("x"), user("y")],
                         {"documents": DOCUMENTS, "tools": [SEARCH], "add_generation_prompt": True}),
    "developer": ([{"role": "developer", "content": "Dev rules."}, user("Hi")], {"add_generation_prompt": True}),
    "two-systems": ([system("A"), user("B"), system("C"), user("D")], {"add_generation_prompt": True}),
    "two-users": ([user("A"), user("B")], {"add_generation_prompt": True}),
    "assistant-first": ([assistant("A"), user("B")], {"add_generation_prompt": True}),
    "no-messages": ([], {"add_generation_prompt": True}),
    "odd-role": ([user("A"), {"role": "critic", "content": "B"}], {}),
    "names": ([{"role": "user", "content": "A", "name": "ann"}, {"role": "assistant", "content": "B", "name": "bot"}, user("C")],
              {"add_generation_prompt": True}),
    "prefix": ([user("A"), assistant("B", prefix=True)], {"continue_final": True}),
    "long": ([system("S")] + [m for i in range(12) for m in (user(f"Question {i}?"), assistant(f"Answer {i}."))] + [user("Last")],
             {"add_generation_prompt": True}),
    "no-specials": ([user("A"), assistant("B"), user("C")], {"add_generation_prompt": True, "bos_token": "", "eos_token": ""}),
}  # fmt: skip


def outcome(template, messages, options):
    arguments = {"bos_token": "<BOS>", "eos_token": "<EOS>", "unk_token": "<UNK>", "pad_token": "<PAD>", **copy.deepcopy(options)}
    try:
        text = render_chat(template, copy.deepcopy(messages), **arguments)
    except Exception as e:
        return [None, type(e).__name__, " ".join(str(e).split())]
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return [len(text.encode("utf-16-le", "surrogatepass")) // 2, digest]


def main():
    folder = pathlib.Path(sys.argv[1])
    texts = {}
    results = {}
    for path in sorted(folder.glob("*.jinja")):
        template = path.read_text(encoding="utf-8")
        results[path.name] = {name: outcome(template, *chat) for name, chat in CHATS.items()}
        texts[path.name] = hashlib.sha256(template.encode()).hexdigest()[:16]
    document = {
        "chats": {name: {"messages": messages, "options": options} for name, (messages, options) in CHATS.items()},
        "templates": texts,
        "results": results,
    }
    out = pathlib.Path(__file__).parent.parent / "resources/template/chats.json.gz"
    data = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    out.write_bytes(gzip.compress(data, mtime=0))
    pairs = [one for chats in results.values() for one in chats.values()]
    print(f"templates={len(results)} pairs={len(pairs)} refused={sum(one[0] is None for one in pairs)} bytes={out.stat().st_size}")


if __name__ == "__main__":
    main()
