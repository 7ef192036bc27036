"""Makes src/test/resources/template/cases.json.gz: small templates and what Python's jinja2 makes of them.

    pip install jinja2==3.1.6 transformers==5.23.0
    python src/test/scripts/template_cases.py

Two kinds: the table below, one line for each construct, and templates put together at random with a fixed seed. A case
is [template, text] or, where jinja2 fails, [template, null, kind of exception, message].
"""

import copy
import gzip
import json
import pathlib
import random
import re
import warnings

import jinja2.nodes
from transformers_jinja import compiled

warnings.simplefilter("ignore")

VARIABLES = {
    "n": 3, "z": 0, "neg": -7, "big": 10**25, "f": 2.5, "tiny": 1.5e-7, "huge": 1e22, "t": True, "no": False, "nil": None,
    "s": "Hello World", "empty": "", "sp": "  padded\t\n", "uni": "Grüße, 世界 👩‍👩‍👧 ß ǆ Σας", "q": "it's \"quoted\"\\\n\x07\u200b",
    "html": "<a href=\"x\">T&amp;C</a> <b>x</b>", "lines": "one\n  two\n\nthree\r\nfour\n", "num": "42", "fnum": " 3.75 ",
    "l": [3, 1, 2], "words": ["pear", "Apple", "fig", "apple", "Fig"], "nested": [[1, 2], [3, [4, 5]], []], "el": [],
    "mixed": [1, 1.0, True, "1", None, [1], {"a": 1}], "d": {"b": 2, "a": 1, "C": 3, "items": 9, "k y": "v"}, "ed": {},
    "users": [
        {"name": "Ann", "age": 31, "tags": ["x", "y"], "addr": {"city": "Rom"}},
        {"name": "bob", "age": 25, "tags": [], "addr": {"city": "Oslo"}, "admin": True},
        {"name": "Cy", "age": 31, "tags": ["y"], "addr": {"city": "rom"}, "admin": False},
    ],
    "tool": {"type": "function", "function": {"name": "get_weather", "description": "Gets \"it\" — über </b>",
             "parameters": {"type": "object", "properties": {"city": {"type": "string", "enum": ["a", "b"]},
             "n": {"type": ["integer", "null"], "default": 1.0}}, "required": ["city"]}}},
    "messages": [
        {"role": "system", "content": "Be nice."},
        {"role": "user", "content": "Hi\n"},
        {"role": "assistant", "content": "Hello!", "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image"}]},
    ],
}  # fmt: skip

TABLE = r'''
{{ s }}
{{ nil }}{{ t }}{{ no }}{{ n }}{{ f }}{{ big }}{{ tiny }}{{ huge }}
{{ l }} {{ d }} {{ (1,) }} {{ () }} {{ (1, 'a') }} {{ nested }}
{{ mixed }}
{{ uni }}|{{ [uni] }}|{{ [q] }}
{{ nothing }}|{{ nothing is defined }}|{{ [nothing] }}
{{ nothing.x }}
{{ d.nothing }}|{{ d.nothing.x }}
{{ d.a }}{{ d['a'] }}{{ d.items }}
{{ d['items'] }}
{{ d['keys']() }}
{{ users[0].name }} {{ users[-1]['name'] }} {{ users.0.age }} {{ users[9] }}|{{ users[9].x }}
{{ s[0] }}{{ s[-1] }}{{ s[99] }}|{{ s['x'] }}|{{ uni[10] }}{{ uni[14] }}
{{ s.upper }}
{{ n.x }}|{{ nil.x }}|{{ n['x'] }}
{{ nil[0] }}
{{ nil.x.y }}
{{ 1 }} {{ 1_000 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 1.5 }} {{ 1e3 }} {{ 1.5e-5 }} {{ 1_0.5_0 }} {{ 00 }}
{{ 'a' "b" 'c' }}
{{ 'it\'s' }} {{ "a\tb\\n\n\x41\u00e9\U0001F600\101\d" }}
{{ '\N{BULLET}' }}
{{ 'a
b' }}
{{ [1, 2, ] }} {{ {'a': 1, } }} {{ {} }} {{ [] }} {{ {1: 2, 1.0: 3, True: 4} }}
{{ {'a': 1, 'a': 2} }}
{{ {[1]: 2} }}
{{ {(1, 2): 3, none: 4} }}
{{ 1 + 2 }} {{ 1 - 2 }} {{ 2 * 3 }} {{ 7 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ 2 ** -1 }}
{{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ 2 ** -2 }}
{{ 6 / 3 }} {{ 1 / 3 }} {{ 0.1 + 0.2 }} {{ 1e16 + 1 }} {{ 5 // 0.3 }} {{ -5.5 % 2 }} {{ 5.5 // -2 }}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ 1 % 0 }}
{{ 1.0 / 0 }}
{{ 2 ** 100 }} {{ 10 ** 20 + 1 }} {{ big * big }} {{ big // 7 }} {{ -big % 7 }} {{ big / 3 }} {{ big - big }}
{{ 9223372036854775807 + 1 }} {{ -9223372036854775808 - 1 }} {{ 4611686018427387904 * 2 }} {{ 9223372036854775807 * 9223372036854775807 }}
{{ True + True }} {{ True * 3 }} {{ -True }} {{ +False }} {{ 1 == True }} {{ 1.0 == 1 }} {{ '1' == 1 }}
{{ -s }}
{{ -nothing }}
{{ s + 1 }}
{{ 1 + s }}
{{ nothing + 1 }}
{{ 1 + nothing }}
{{ s + nothing }}
{{ l + [4] }} {{ (1,) + (2,) }} {{ s + '!' }} {{ s * 2 }} {{ 2 * 'ab' }} {{ [0] * 3 }} {{ (1, 2) * 2 }} {{ 'x' * -1 }}
{{ l + (1,) }}
{{ l * l }}
{{ s * s }}
{{ d + d }}
{{ 'a' ~ 1 ~ none ~ true ~ 1.5 ~ [1] ~ nothing }}
{{ 1 ~ 2 }} {{ 1 ~ 2 + 3 }} {{ 'a' ~ 'b' * 2 }}
{{ 1 < 2 }} {{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 <= 1.0 }} {{ 'a' < 'b' }} {{ 'B' < 'a' }} {{ [1, 2] < [1, 3] }} {{ (1,) < (1, 0) }}
{{ 1 < 'a' }}
{{ none < 1 }}
{{ nothing < 1 }}
{{ nothing == nothing2 }} {{ nothing == none }} {{ nothing != 1 }} {{ nothing == d.x }}
{{ 1 in l }} {{ 9 in l }} {{ 9 not in l }} {{ 'ell' in s }} {{ 'a' in d }} {{ 2 in d }} {{ 'x' in nothing }} {{ '' in s }}
{{ 1 in s }}
{{ 1 in 5 }}
{{ [] in d }}
{{ [1, [2]] == [1, [2]] }} {{ {'a': 1} == {'a': 1.0} }} {{ (1,) == [1] }} {{ {} == [] }} {{ none == false }}
{{ not 1 }} {{ not [] }} {{ not not s }} {{ not 1 == 2 }} {{ not 1 in l }}
{{ 1 and 2 }} {{ 0 and x.y.z }} {{ 0 or 'b' }} {{ 1 or x.y.z }} {{ none or [] or 'c' }} {{ '' and 1 }}|
{{ 'a' if t else 'b' }} {{ 'a' if no else 'b' }} {{ 'a' if no }}| {{ ('a' if no) is defined }} {{ 'a' if no else 'b' if no else 'c' }}
{{ ('a' if no).x }}
{{ (1 if t else 2) + 1 }}
{{ s[1:3] }} {{ s[:3] }} {{ s[-3:] }} {{ s[::2] }} {{ s[::-1] }} {{ s[10:1] }}| {{ s[1:-1:3] }} {{ s[-100:100] }} {{ uni[8:16] }} {{ uni[::-1] }}
{{ l[1:] }} {{ l[:-1] }} {{ l[::-1] }} {{ l[5:] }} {{ (1, 2, 3)[1:] }} {{ l[none:2] }} {{ range(10)[2:8:2] }} {{ l[3:0:-1] }} {{ l[-1:-3:-1] }}
{{ nothing[1:] }}
{% set none2 = none %}{{ none2[1:] }}
{{ d[1:] }}
{{ l['a':] }}
{{ l[::0] }}
{{ l[1.5] }}|{{ l['1'] }}|{{ l[true] }}|{{ d[1] }}|{{ d[[]] }}
{{ s.upper() }} {{ s.lower() }} {{ s.title() }} {{ s.capitalize() }} {{ s.swapcase() }} {{ uni.upper() }} {{ uni.lower() }} {{ uni.title() }} {{ uni.swapcase() }} {{ 'ΑΣ ΑΣ'.lower() }}
{{ "they're bill's ǆ ßa ﬁx".title() }} {{ 'ßa'.capitalize() }} {{ 'ǆx'.capitalize() }} {{ 'HÉLLO'.capitalize() }} {{ 'ß'.casefold() }}
{{ sp.strip() }}| {{ sp.lstrip() }}| {{ sp.rstrip() }}| {{ 'xxaxx'.strip('x') }} {{ 'abcba'.strip('ab') }} {{ 'abcba'.lstrip('ab') }} {{ 'abcba'.rstrip('ab') }} {{ 'a'.strip('') }} {{ ' a '.strip(none) }}
{{ '\x1f\xa0\u2003a\u200b\ufeff'.strip() == 'a\u200b\ufeff' }} {{ '\x85\u3000'.strip() == '' }}
{{ s.split() }} {{ s.split('o') }} {{ s.split('o', 1) }} {{ s.split('l', -1) }} {{ ' a  b '.split() }} {{ ' a  b '.split(' ') }} {{ ' a  b  c '.split(none, 1) }} {{ ''.split() }} {{ ''.split(',') }} {{ 'a,b'.split(sep=',', maxsplit=1) }}
{{ s.rsplit('o', 1) }} {{ ' a  b  c '.rsplit(none, 1) }} {{ ' a  b  c '.rsplit() }} {{ 'aaaa'.rsplit('aa') }} {{ 'aaaaa'.split('aa') }} {{ s.rsplit('zz') }}
{{ s.split('') }}
{{ s.split(1) }}
{{ lines.splitlines() }} {{ lines.splitlines(true) }} {{ 'a\x0bb\x0cc\x1cd\x85e\u2028f'.splitlines() }} {{ ''.splitlines() }} {{ 'a\n\n'.splitlines() }}
{{ s.startswith('He') }} {{ s.startswith(('x', 'H')) }} {{ s.startswith('W', 6) }} {{ s.endswith('d') }} {{ s.endswith('o', 0, 5) }} {{ s.startswith('') }} {{ ''.startswith('', 1) }} {{ s.endswith(('x',)) }}
{{ s.startswith(1) }}
{{ s.startswith(nothing) }}
{{ s.startswith(['a']) }}
{{ s.find('o') }} {{ s.find('o', 5) }} {{ s.find('zz') }} {{ s.rfind('o') }} {{ s.find('o', 5, 7) }} {{ s.find('', 3) }} {{ s.find('', 99) }} {{ s.count('l') }} {{ s.count('') }} {{ s.index('W') }} {{ s.rindex('l') }} {{ uni.find('世') }} {{ s.find('l', -3) }} {{ 'aaa'.count('aa') }}
{{ s.index('zz') }}
{{ s.replace('l', 'L') }} {{ s.replace('l', 'L', 1) }} {{ s.replace('', '-') }} {{ 'ab'.replace('', '-', 2) }} {{ s.replace('zz', '') }} {{ 'aaa'.replace('aa', 'b') }} {{ s.replace('l', '', 0) }} {{ s.replace('o', '', -1) }}
{{ s.replace('l') }}
{{ s.replace(1, 2) }}
{{ ', '.join(['a', 'b']) }} {{ ''.join([]) }}| {{ '-'.join('abc') }} {{ ','.join(d) }} {{ ','.join(s.split()) }}
{{ ', '.join([1]) }}
{{ ', '.join(5) }}
{{ 'ab'.center(5) }}| {{ 'ab'.center(5, '*') }} {{ 'abc'.center(6, '*') }} {{ 'ab'.ljust(4, '.') }} {{ 'ab'.rjust(4, '.') }} {{ '42'.zfill(5) }} {{ '-42'.zfill(5) }} {{ '+4'.zfill(1) }} {{ 'a\tb\n\tc'.expandtabs(4) }} {{ '\ta'.expandtabs() }}
{{ 'a'.center(5, 'xx') }}
{{ 'a-b-c'.partition('-') }} {{ 'a-b-c'.rpartition('-') }} {{ 'abc'.partition('-') }} {{ 'abc'.rpartition('-') }} {{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ 'abc'.removeprefix('x') }}
{{ 'abc'.partition('') }}
{{ 'abc'.isalpha() }} {{ 'ab1'.isalnum() }} {{ '12'.isdigit() }} {{ '1²'.isdigit() }} {{ '1²'.isdecimal() }} {{ '½'.isnumeric() }} {{ '½'.isdigit() }} {{ ' \n'.isspace() }} {{ ''.isspace() }} {{ 'ab'.islower() }} {{ 'A1'.isupper() }} {{ 'Ab Cd'.istitle() }} {{ 'AB'.istitle() }} {{ 'a_1'.isidentifier() }} {{ '1a'.isidentifier() }} {{ 'aé'.isascii() }} {{ 'a\n'.isprintable() }} {{ '中'.isalpha() }} {{ '1'.islower() }}
{{ '{} {} {}'.format(1, 'a', none) }} {{ '{0}{1}{0}'.format(1, 2) }} {{ '{a}{b}'.format(a=1, b=2) }} {{ '{{}}'.format() }} {{ '{0[name]}'.format(users[0]) }} {{ '{0.name} {x[1]}'.format(users[0], x=l) }} {{ '{!r}'.format('a') }} {{ '{0!s:>5}'.format('a') }}
{{ '{:>5}|{:<5}|{:^5}|{:*^7}|{:05d}|{:+d}|{: d}|{:,}|{:_}|{:x}|{:#x}|{:X}|{:o}|{:b}|{:#b}'.format('a', 'b', 'c', 'd', 42, 42, 42, 1234567, 1234567, 255, 255, 255, 8, 5, 5) }}
{{ '{:.2f}|{:8.3f}|{:e}|{:.3e}|{:g}|{:.3g}|{:g}|{:%}|{:.1%}|{:,.2f}|{:f}|{:+.1f}|{:.0f}|{:.0f}'.format(2.5, 3.14159, 12345.678, 12345.678, 0.0001, 1234567.0, 1e20, 0.25, 0.256, 1234567.891, 1.0, 2.25, 0.5, 1.5) }}
{{ '{:.3}|{:10.2}|{:5}|{:<5}|{:5}'.format('abcdef', 'abc', 1, 1, true) }} {{ '{:d}'.format(true) }} {{ '{:{w}.{p}f}'.format(3.14159, w=8, p=2) }} {{ '{:.3}|{:.1}|{:10}'.format(1234.5, 0.25, 2.5) }}
{{ '{}'.format() }}
{{ '{'.format() }}
{{ '}'.format() }}
{{ '{x}'.format() }}
{{ '{:d}'.format('a') }}
{{ '{:s}'.format(1) }}
{{ '{:>5}'.format(none) }}
{{ '{0.__class__}'.format(s) }}
{{ '{0.__class__.__mro__}'.format(s) }}
{{ '{a}'.format_map({'a': 5}) }}
{{ '%s %s' % (1, 'a') }} {{ '%d%%' % 5 }} {{ '%5d|%-5d|%05d|%+d|% d' % (1, 2, 3, 4, 5) }} {{ '%x %X %o %#x' % (255, 255, 8, 255) }} {{ '%.2f %e %g %G' % (1.005, 12345.6789, 1e-5, 1e20) }} {{ '%r' % ('a',) }} {{ '%c%c' % (65, 'b') }} {{ '%s' % none }} {{ '%(a)s-%(b)05.1f' % {'a': 1, 'b': 2} }} {{ '%5.2s|' % 'abc' }} {{ '%*d' % (5, 1) }} {{ '%i' % 3.9 }} {{ '%s' % [1] }}
{{ '%s' % (1, 2) }}
{{ '%s %s' % 1 }}
{{ '%d' % 'a' }}
{{ '%y' % 1 }}
{{ '%' % 1 }}
{{ '%s' % nothing }}|{{ '' % {} }}|{{ 'a' % [] }}|
{{ 'a' % 1 }}
{{ l.index(2) }} {{ l.count(1) }} {{ (1, 2).index(2) }} {{ l.copy() }} {{ d.copy() == d }}
{{ l.index(9) }}
{{ l.append(1) }}
{{ l.append }}|{{ d.update }}|{{ s.__class__ }}|{{ l.__len__ }}|
{{ d.pop('a') }}
{{ d.update({}) }}
{{ ''.__class__.__mro__ }}
{{ s.nomethod() }}
{{ d.get('a') }} {{ d.get('x') }} {{ d.get('x', 5) }} {{ d.keys() }} {{ d.values() }} {{ d.items() }} {{ d.keys()|list }} {{ d.items()|list }} {{ ed.items() }}
{{ d.get() }}
{{ d.get([]) }}
{{ d.keys()[0] }}|
{{ 'a' in d.keys() }} {{ 1 in d.values() }} {{ ('a', 1) in d.items() }} {{ d.keys()|length }} {{ d.keys() == d.keys() }}
{{ dict(a=1, b=2) }} {{ dict({'a': 1}, b=2) }} {{ dict([('a', 1), ['b', 2]]) }} {{ dict() }} {{ dict.fromkeys(['a', 'b'], 0) }} {{ {}.fromkeys('ab') }}
{{ dict(1) }}
{{ dict([1]) }}
{{ range(3) }} {{ range(1, 4)|list }} {{ range(5, 0, -2)|list }} {{ range(3)|length }} {{ range(0) == range(5, 5) }} {{ 2 in range(3) }} {{ range(10)[-1] }} {{ range(1, 2, 3) }} {{ range(3)|last }}
{{ range(100001) }}
{{ range('a') }}
{{ range(1, 2, 0) }}
{{ range(1.5) }}
{{ s() }}
{{ nothing() }}
{{ d.nothing() }}
{{ n() }}
{{ range() }}
{{ cycler('a', 'b').next() }} {% set c = cycler(1, 2) %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.next() }}
{{ cycler() }}
{% set j = joiner('; ') %}{{ j() }}a{{ j() }}b{{ j() }}
{{ raise_exception('Stop: "it"') }}
{{ raise_exception(5) }}
{{ strftime_now('%Y-%m-%d %H:%M:%S %d %B %b %A %a %j %y %I %p %-d %e %% %U %W %u %w %F %T %D %R %C %G %V') }}
{{ s|upper }} {{ s|lower }} {{ s|title }} {{ s|capitalize }} {{ uni|title }} {{ 'foo-bar (baz) {qux} o\'neil x.y'|title }} {{ 5|upper }} {{ none|upper }}
{{ sp|trim }}| {{ 'xxaxx'|trim('x') }} {{ 5|trim }} {{ nothing|trim }}| {{ none|trim }} {{ ' a '|trim(chars=' ') }}|
{{ s|length }} {{ l|length }} {{ d|count }} {{ nothing|length }} {{ uni|length }} {{ ''|length }}
{{ 5|length }}
{{ none|length }}
{{ nothing|default('x') }} {{ ''|default('x') }} {{ ''|default('x', true) }} {{ none|d('x') }} {{ none|d('x', boolean=true) }} {{ d.zz|default(5) }} {{ nothing|d }}| {{ d.a.b|default('y') }}
{{ nothing.x|default('x') }}
{{ l|first }} {{ l|last }} {{ el|first }}| {{ el|last }}| {{ s|first }} {{ s|last }} {{ d|first }} {{ nothing|first }}| {{ ''|first }}| {{ d|last }}
{{ 5|first }}
{{ el|first + 1 }}
{{ l|map('string')|last }}
{{ l|join }} {{ l|join(',') }} {{ l|join(d='-') }} {{ users|join(', ', attribute='name') }} {{ users|join('|', 'addr.city') }} {{ nothing|join }}| {{ 'abc'|join('.') }} {{ [1, none, true, 'x']|join(' ') }} {{ d|join }} {{ l|join(1) }}
{{ 5|join }}
{{ l|sort }} {{ l|sort(reverse=true) }} {{ words|sort }} {{ words|sort(case_sensitive=true) }} {{ users|sort(attribute='age')|map(attribute='name')|list }} {{ users|sort(attribute='age,name', reverse=true)|map(attribute='name')|list }} {{ words|sort(true) }} {{ 'bca'|sort }} {{ d|sort }} {{ users|sort(attribute='addr.city')|map(attribute='name')|join }}
{{ mixed|sort }}
{{ users|sort(attribute='zz') }}
{{ [none, none]|sort }}
{{ [[2], [1]]|sort }} {{ [(2, 'a'), (1, 'b')]|sort }} {{ [true, false, 0.5]|sort }}
{{ d|dictsort }} {{ d|dictsort(true) }} {{ d|dictsort(reverse=true) }} {{ {'a': 2, 'b': 1}|dictsort(by='value') }} {{ {'a': 2, 'b': 1}|dictsort(false, 'value') }}
{{ d|dictsort(by='x') }}
{{ l|dictsort }}
{{ l|reverse|list }} {{ s|reverse }} {{ (1, 2)|reverse|list }} {{ d|reverse|list }} {{ range(3)|reverse|list }}
{{ 5|reverse }}
{{ words|unique|list }} {{ words|unique(true)|list }} {{ users|unique(attribute='age')|map(attribute='name')|list }} {{ [1, 1.0, true, 2]|unique|list }}
{{ nested|unique|list }}
{{ l|min }} {{ l|max }} {{ words|min }} {{ words|max(case_sensitive=true) }} {{ users|max(attribute='age') }} {{ el|min }}| {{ 'hello'|max }}
{{ mixed|max }}
{{ l|sum }} {{ users|sum(attribute='age') }} {{ l|sum(start=10) }} {{ [0.1, 0.2]|sum }} {{ el|sum }} {{ nested|sum(start=[]) }} {{ [true, true]|sum }}
{{ words|sum }}
{{ words|sum(start='') }}
{{ users|map(attribute='name')|list }} {{ users|map(attribute='addr.city')|join(',') }} {{ words|map('upper')|list }} {{ words|map('replace', 'a', 'b')|list }} {{ users|map(attribute='admin', default='?')|list }} {{ users|map(attribute='tags.0', default='-')|join }} {{ l|map('default', 5)|list }} {{ nothing|map('upper')|list }} {{ nested|map(attribute=0)|list }} {{ nested|map('first')|list }} {{ l|map('string')|map('length')|list }}
{{ l|map|list }}
{{ l|map('nofilter')|list }}
{{ l|map(attribute='x', zz=1)|list }}
{{ users|selectattr('admin')|map(attribute='name')|list }} {{ users|selectattr('age', '>', 30)|map(attribute='name')|list }} {{ users|rejectattr('admin')|map(attribute='name')|list }} {{ users|selectattr('name', 'equalto', 'bob')|list|length }} {{ users|selectattr('admin', 'defined')|list|length }} {{ users|rejectattr('addr.city', 'eq', 'Rom')|map(attribute='name')|list }} {{ users|selectattr('age', 'in', [25])|list|length }} {{ users|selectattr('tags')|list|length }}
{{ l|select|list }} {{ l|select('odd')|list }} {{ l|reject('odd')|list }} {{ l|select('gt', 1)|list }} {{ l|select('divisibleby', 2)|list }} {{ mixed|select('string')|list }} {{ mixed|reject('none')|list }} {{ [0, 1, '', 'a']|select|list }} {{ nothing|select|list }}
{{ l|select('notest')|list }}
{{ users|selectattr|list }}
{% if users|selectattr('name', 'eq', 'zz') %}generators are true{% endif %}
{% set g = l|select('odd') %}{{ g|list }}{{ g|list }}
{{ l|select('odd')|length }}
{{ users|groupby('age')|list|length }} {% for k, v in users|groupby('age') %}{{ k }}:{{ v|map(attribute='name')|join(',') }};{% endfor %} {% for g in users|groupby('addr.city') %}{{ g.grouper }}={{ g.list|length }} {% endfor %} {% for k, v in users|groupby('addr.city', case_sensitive=true) %}{{ k }}{{ v|length }}{% endfor %} {% for k, v in users|groupby('admin', default=false) %}{{ k }}{{ v|length }} {% endfor %}
{{ users|groupby('age') }}
{{ range(7)|batch(3)|list }} {{ range(7)|batch(3, 'x')|list }} {{ range(7)|slice(3)|list }} {{ range(7)|slice(3, 'x')|list }} {{ el|batch(2)|list }} {{ [1]|slice(3)|list }}
{{ d|items|list }} {{ nothing|items|list }} {% for k, v in d|items %}{{ k }}={{ v }} {% endfor %}
{{ l|items|list }}
{{ 'abc'|list }} {{ d|list }} {{ uni|list }} {{ nothing|list }}
{{ 5|list }}
{{ num|int }} {{ 'x'|int }} {{ 'x'|int(7) }} {{ fnum|int }} {{ '0x1F'|int(base=16) }} {{ '1F'|int(0, 16) }} {{ '0b11'|int(base=0) }} {{ 3.99|int }} {{ -3.99|int }} {{ true|int }} {{ none|int }} {{ '1_000'|int }} {{ '-5'|int }} {{ ' 12 '|int }} {{ '1e3'|int }} {{ '٣'|int }} {{ l|int }} {{ 'inf'|int }} {{ ''|int }} {{ 1e30|int }}
{{ nothing|int }}
{{ num|float }} {{ 'x'|float }} {{ 'x'|float(1.5) }} {{ fnum|float }} {{ 3|float }} {{ '1e3'|float }} {{ 'nan'|float }} {{ '-inf'|float }} {{ none|float }} {{ '1_0.5'|float }} {{ '1f'|float }} {{ '.5'|float }} {{ '5.'|float }}
{{ nothing|float }}
{{ -5|abs }} {{ -2.5|abs }} {{ (-5)|abs }} {{ true|abs }} {{ neg|abs }}
{{ s|abs }}
{{ 42.55|round }} {{ 42.55|round(1) }} {{ 42.55|round(1, 'floor') }} {{ 42.51|round(1, 'ceil') }} {{ 2.5|round }} {{ 3.5|round }} {{ -2.5|round }} {{ 42|round }} {{ 1234|round(-2) }} {{ 2.675|round(2) }} {{ 42|round(method='ceil') }} {{ 0.5|round|int }} {{ 1e300|round(2) }} {{ 1250|round(-2) }} {{ -0.4|round }}
{{ 1|round(method='x') }}
{{ s|round }}
{{ s|replace('l', 'L') }} {{ s|replace('l', 'L', 1) }} {{ 123|replace(2, 'x') }} {{ s|replace('o', none) }}
{{ lines|indent }}|{{ lines|indent(2, true) }}|{{ lines|indent(2, blank=true) }}|{{ lines|indent('> ', first=true) }}|{{ 'a'|indent }}|{{ ''|indent(first=true) }}|{{ 'a\nb\n'|indent(1) }}|
{{ 5|indent }}
{{ 'foo bar baz qux'|truncate(9) }} {{ 'foo bar baz qux'|truncate(9, true) }} {{ 'foo bar baz qux'|truncate(11) }} {{ 'foo bar baz qux'|truncate(11, false, '...', 0) }} {{ s|truncate }} {{ 'abcdefghijklmnop'|truncate(5, leeway=0) }} {{ 'foo bar baz qux'|truncate(6, end='', leeway=0) }}
{{ 'foo bar baz'|truncate(2) }}
{{ 'a'|center(5) }}| {{ 'a'|center }}|
{{ html|escape }} {{ html|e|e }} {{ html|forceescape }} {{ (html|e)|forceescape }} {{ html|safe }} {{ (html|safe)|e }} {{ [html|e] }} {{ 5|e }} {{ none|safe }} {{ ('<'|safe) + '<' }} {{ '<' + ('<'|safe) }} {{ '<' ~ ('<'|safe) }} {{ ('<'|safe).upper() }} {{ ('a'|safe) == 'a' }} {{ ('a'|safe) is string }} {{ ('a'|safe) is escaped }} {{ 'a' is escaped }} {{ ('<%s>'|safe) % 'x' }} {{ ('a'|safe)|length }} {{ {'a': 1}[('a'|safe)] }} {{ ('ab'|safe)[0] ~ '<' }} {{ ('ab'|safe) * 2 }}
{{ html|striptags }} {{ '<!-- x --> a  <br/>\n b'|striptags }} {{ 'a < b'|striptags }}
{{ 'a b/c?d=é&f'|urlencode }} {{ {'a b': 'c&d', 'e': 1}|urlencode }} {{ [('a', 'b/c')]|urlencode }} {{ 5|urlencode }}
{{ s|wordcount }} {{ "it's a-b c_d é1"|wordcount }} {{ ''|wordcount }}
{{ 'The quick brown fox jumps over the lazy dog'|wordwrap(10) }}|{{ 'abcdefghijkl mno'|wordwrap(5) }}|{{ 'abcdefghijkl mno'|wordwrap(5, false) }}|{{ 'well-known fact a-b x--y'|wordwrap(6) }}|{{ 'a b\nc d'|wordwrap(3, wrapstring='#') }}
{{ 'x1a-bc y'|wordwrap(4, false) }}|{{ '{"type": "image_url"}'|wordwrap(9) }}|{{ 'abc-123456789'|wordwrap(6) }}|{{ 'a\u00a0b c'|wordwrap(3) }}|{{ 'a----b --c'|wordwrap(3) }}
{{ 'bΣ1aaaΣb A.ΣΣ aΣ\u0301 Σ'|lower }} {{ 'İaΣ'.title() }} {{ 'aΣ Σ bΣ.'.swapcase() }} {{ ('İß' * 70).upper()|length }} {{ ('İß' * 70)|lower|length }}
{{ 'a  b c '.rsplit() }} {{ ' a  b c'.rsplit(none, 1) }} {{ 'aaaa'.rsplit('aa', 1) }} {{ 'abab'.rfind('ab') }} {{ ''.rfind('') }} {{ 'ab'.rpartition('abc') }} {{ '😀a😀'.strip('😀') }}
{{ {'class': 'x y', 'id': none, 'n': 1, 'q': '"<'}|xmlattr }}| {{ {'a': 1}|xmlattr(false) }}| {{ {}|xmlattr }}|
{{ {'a b': 1}|xmlattr }}
{{ 1|filesizeformat }} {{ 999|filesizeformat }} {{ 1000|filesizeformat }} {{ 1500000|filesizeformat }} {{ 1024|filesizeformat(true) }} {{ '5e9'|filesizeformat }} {{ 1e30|filesizeformat }}
{{ '%s-%s'|format(1, 'a') }} {{ '%(a)s'|format(a=1) }} {{ '%d'|format(3.7) }}
{{ '%s'|format(1, 2) }}
{{ '%s'|format(1, a=2) }}
{{ tool|tojson }}
{{ tool|tojson(indent=2) }}
{{ tool|tojson(indent=4) }} {{ tool|tojson(indent=0) }} {{ tool|tojson(indent='\t') }}
{{ tool|tojson(ensure_ascii=true) }} {{ tool|tojson(separators=(',', ':')) }} {{ tool|tojson(sort_keys=true) }} {{ uni|tojson(ensure_ascii=true) }}
{{ [1, 2.5, 1e22, 1e-7, true, none, 'a"b\\c\n\t\x01\x7f/', [], {}, (), big, -0.0]|tojson }} {{ ('nan'|float)|tojson }} {{ ('inf'|float)|tojson }} {{ {1: 2, none: 3, true: 4, 1.5: 5}|tojson }} {{ uni|tojson }} {{ q|tojson }} {{ s|tojson }} {{ none|tojson }} {{ [[], [1]]|tojson(indent=1) }} {{ ('a'|safe)|tojson }}
{{ nothing|tojson }}
{{ l|select|tojson }}
{{ d.keys()|tojson }}
{{ {(1, 2): 1}|tojson }}
{{ namespace(a=1)|tojson }}
{{ range(2)|tojson }}
{{ d|attr('get') is callable }} {{ d|attr('a') }}| {{ users[0]|attr('name') }}| {{ s|attr('upper')() }}
{{ 5 is defined }} {{ nothing is defined }} {{ nothing is undefined }} {{ nothing is not defined }} {{ none is none }} {{ 0 is none }} {{ d.x is defined }} {{ d.a is defined }}
{{ 5 is number }} {{ 5.0 is number }} {{ true is number }} {{ 's' is number }} {{ 5 is integer }} {{ true is integer }} {{ 5.0 is integer }} {{ 5.0 is float }} {{ big is integer }} {{ true is boolean }} {{ 1 is boolean }} {{ true is true }} {{ 1 is true }} {{ false is false }} {{ 0 is false }}
{{ s is string }} {{ 5 is string }} {{ d is mapping }} {{ l is mapping }} {{ l is sequence }} {{ s is sequence }} {{ d is sequence }} {{ 5 is sequence }} {{ nothing is sequence }} {{ range(3) is sequence }} {{ (1,) is sequence }} {{ d.items() is sequence }} {{ l is iterable }} {{ s is iterable }} {{ 5 is iterable }} {{ nothing is iterable }} {{ none is iterable }} {{ l|select is iterable }} {{ l|select is sequence }} {{ range is callable }} {{ s is callable }} {{ s.upper is callable }}
{{ 4 is even }} {{ 4 is odd }} {{ 4 is divisibleby 2 }} {{ 4 is divisibleby(3) }} {{ 4.0 is even }}
{{ s is even }}
{{ nothing is even }}
{{ 'a' is lower }} {{ 'A' is upper }} {{ 5 is lower }} {{ 1 is eq 1 }} {{ 1 is equalto(2) }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 1 is ge 1 }} {{ 1 is in [1] }} {{ 1 is sameas 1 }} {{ none is sameas none }} {{ l is sameas l }} {{ [1] is sameas [1] }} {{ 'upper' is filter }} {{ 'x' is filter }} {{ 'odd' is test }} {{ 1 is not eq 2 }} {{ 1 is > 0 }}
{{ 1 is notest }}
{{ 1 is odd is even }}
{{ s|nofilter }}
{% if no %}{{ s|nofilter }}{% endif %}ok
{% if no %}{{ s is notest }}{% endif %}ok
{% macro m() %}{{ s|nofilter }}{% endmacro %}ok
{{ 1 is eq 1 and 2 is eq 2 }} {{ not 1 is eq 2 }} {{ 1 if s is string else 2 }} {{ s is defined and s is string or x.y }}
{{ -1|abs }} {{ 1 + 2|float }} {{ 'a' ~ 'b'|upper }} {{ (1 + 2)|float }} {{ 'a'|upper ~ 'b' }} {{ 2 * 3|string }} {{ not s|length }} {{ s|upper|lower|title }}
{{ l|length > 2 and l[0] == 3 }} {{ s[1:3]|upper }} {{ s.split()[0].lower() }} {{ (s ~ 'x')[-1] }} {{ [1, 2][0] }} {{ {'a': [5]}['a'][0] }} {{ 'abc'[1] }} {{ (1, 2)[1] }} {{ 'a,b'.split(',')|last }}
{{ 1, 2 }} {{ (1) }} {{ 1, }}
{% if n == 3 %}yes{% elif n == 4 %}four{% else %}no{% endif %}
{% if no %}a{% elif nil %}b{% elif l %}c{% else %}d{% endif %}
{% if nothing %}a{% endif %}{% if el or ed %}b{% else %}c{% endif %}
{% for x in l %}{{ x }},{% endfor %}
{% for x in el %}a{% else %}empty{% endfor %}{% for x in nothing %}a{% else %}none{% endfor %}
{% for x in none %}a{% endfor %}
{% for x in 5 %}a{% endfor %}
{% for k in d %}{{ k }}{% endfor %} {% for k, v in d.items() %}{{ k }}={{ v }}{% if not loop.last %}, {% endif %}{% endfor %}
{% for a, b in [(1, 2), [3, 4], 'ab'] %}{{ a }}-{{ b }} {% endfor %} {% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}
{% for a, b in [(1, 2, 3)] %}{% endfor %}
{% for a, b in [(1,)] %}{% endfor %}
{% for a, b in [5] %}{% endfor %}
{% for c in 'añ👍' %}[{{ c }}]{% endfor %}
{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.previtem is defined }}{{ loop.nextitem is defined }};{% endfor %}
{% for x in l %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x > 1) }}{% endfor %}
{% for x in l %}{{ loop.cycle() }}{% endfor %}
{% for x in l %}{{ loop.zzz }}|{{ loop['index'] }}{% endfor %}
{% for x in l %}{{ loop }} {% endfor %}
{% for x in l if x > 1 %}{{ x }}{{ loop.index }}/{{ loop.length }}{{ loop.last }} {% else %}none{% endfor %}
{% for x in l if x > 9 %}{{ x }}{% else %}none{% endfor %}
{% for x in range(6) if x is odd %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}
{% for x in [1, 2] %}{% for y in [3, 4] %}{{ loop.index }}{{ x }}{{ y }} {% endfor %}{{ loop.index }};{% endfor %}
{% for x in l %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}
{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}
{% for x in l %}{% break %}{% else %}else after break{% endfor %}
{% for x in l %}{% continue %}{% else %}else after continue{% endfor %}
{% for x in l %}{% if loop.last %}{% break %}{% endif %}a{% else %}no else{% endfor %}
{% break %}
{% for x in l %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}
{% for x in nested recursive %}{% if x is iterable %}[{{ loop(x) }}]{% else %}{{ x }}@{{ loop.depth }}{% endif %}{% endfor %}
{% for x in l %}{{ loop([1]) }}{% endfor %}
{% set x = 1 %}{% for i in l %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}
{% set ns = namespace(x=1) %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }} {{ ns.y }}| {{ ns['x'] }} {{ ns.y is defined }}
{% set ns = namespace() %}{% set ns.a = 1 %}{{ ns.a }}{{ ns }}
{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}
{% set ns = namespace(_x=1) %}
{% set ns = namespace() %}{% set ns._x = 1 %}
{% set d.x = 1 %}
{% set nothing.x = 1 %}
{% set a, b = 1, 2 %}{{ a }}{{ b }} {% set a, b = b, a %}{{ a }}{{ b }} {% set c = 1, 2 %}{{ c }} {% set a, b = 'xy' %}{{ a }}{{ b }}
{% set a, b = [1] %}
{% set x %}a{{ n }}b{% endset %}{{ x }}|{{ x|length }} {% set y | upper %}abc{% endset %}{{ y }} {% set y | replace('a', 'b') | upper %}abc{% endset %}{{ y }}
{% set ns = namespace() %}{% set ns.z %}block{% endset %}{{ ns.z }}
{% set x = 5 %}{% if t %}{% set x = 6 %}{% endif %}{{ x }} {% if t %}{% set w = 7 %}{% endif %}{{ w }}
{% for i in [1] %}{% set inner = 1 %}{% endfor %}{{ inner is defined }}
{% set n = 9 %}{{ n }}{% for i in [1] %}{{ n }}{% set n = 10 %}{{ n }}{% endfor %}{{ n }}
{% for n in [7] %}{{ n }}{% endfor %}{{ n }}
{% for i in [1, 2] %}{% if i == 2 %}{{ q2 is defined }}{% endif %}{% set q2 = 1 %}{% endfor %}
{% set 5 = 1 %}
{% set true = 1 %}
{% set loop = 1 %}{{ loop }}
{% for loop in l %}{% endfor %}
{% macro m(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(a=5) }} {{ m(b=1, a=2) }} {{ m() }} {{ m(*[1, 2]) }} {{ m(**{'a': 7}) }} {{ m(1, **{'b': 8}) }}
{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{% endmacro %}{{ m(b=2) }}
{% macro m(a) %}{{ a.x }}{% endmacro %}{{ m() }}
{% macro m(a) %}{{ a is defined }}{% endmacro %}{{ m() }}
{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }} {{ m.name }} {{ m.arguments }} {{ m.catch_kwargs }} {{ m.caller }} {{ m }}
{% macro m(x) %}<{{ caller() }}{{ x }}>{% endmacro %}{% call m(1) %}body{% endcall %} {% call m(x=2) %}{{ n }}{% endcall %}
{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b=5) m() %}{{ a }}{{ b }}{% endcall %}
{% macro m() %}x{% endmacro %}{% call m() %}body{% endcall %}
{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}{% call m() %}{% endcall %}
{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}
{% macro m() %}{{ later }}{% endmacro %}{% set later = 5 %}{{ m() }}
{% set v = 1 %}{% macro m() %}{% set v = 2 %}{{ v }}{% endmacro %}{{ m() }}{{ v }}
{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}
{% macro m(a=1, b) %}{% endmacro %}
{% for i in [1, 2] %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}
{% macro m() %}a{% endmacro %}{{ m()|upper }}{{ m() ~ 'b' }}{{ [m()] }}
{% macro m() %}{% for x in l %}{{ x }}{% endfor %}{% endmacro %}{{ m() }}
{% macro outer() %}{% macro inner() %}i{% endmacro %}{{ inner() }}o{% endmacro %}{{ outer() }}{{ inner is defined }}
{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a is defined }} {% with %}{% set z9 = 1 %}{% endwith %}{{ z9 is defined }} {% with n = 5, m = n %}{{ n }}{{ m }}{% endwith %}
{% filter upper %}abc{{ s }}{% endfilter %} {% filter replace('a', 'b')|upper %}aaa{% endfilter %}
{% filter nofilter %}a{% endfilter %}
{% print 1, 'a' %}
{% generation %}a{{ n }}{% set g1 = 1 %}{% endgeneration %}{{ g1 is defined }}
{% block b %}in {{ n }}{% endblock %} {% block c scoped %}x{% endblock c %}
{% raw %}{{ not }} {% x %}{# y #}{% endraw %}
a {%- raw -%} {{ x }} {%- endraw -%} b
{% raw %}
x
{% endraw %}
y
{% do 1 %}
{% unknown %}
{% endfor %}
{% if t %}
{% if t %}{% endfor %}
{% for x in l %}{% else %}{% else %}{% endfor %}
{{ s
{{ s }
{{ }}
{% %}
{{ (1 }}
{{ [1 }}
{{ 1) }}
{{ {'a' } }}
{{ 'abc }}
{{ a b }}
{{ 1 + }}
{{ s! }}
{{ s. }}
{{ .s }}
{{ s..x }}
{{ f(a=1, 2) }}
{{ f(**d, 1) }}
{{ @ }}
{# comment #}a{# multi
line #}b{#- c -#} d
{# open
{% include 'x' %}
{% import 'x' as y %}
{% extends 'x' %}
{% from 'x' import y %}
{{ caller is defined }}
  {% if t %}  
  a  
  {% endif %}  
b
  {%- if t -%}  
  a  
  {%- endif -%}  
b
  {%+ if t +%}  
  a
  {%+ endif %}
b
a
  {{ n }}
  {{- n }}
  {{ n -}}
  b
x {% if t %} y {% endif %} z
{{ 'a' }}
{{ 'b' }}
  {# c #}
  d
  {#- e #}

f
a{{- ' b ' -}} c
{% if t -%}   a{% endif %}

 {%- set x = 1 %}

 b
	{% if t %}tab{% endif %}
 x{% if t %}
 y
{% endif %}
 z
a
{%- for x in l %}
 {{ x }}
{%- endfor %}

end
{{-1}}|{{+1}}|{{ -1 }}|{{- 1 -}}|
{{ '}}' }} {{ '{{' }} {{ "%}" }}
{{ {'a': {'b': 1}}.a.b }} {{ {'a': {'b': 1}}}}
{{ '
' }}
}} %} #} { % {
{{ messages[0]['role'] == 'system' }} {{ messages[1:]|length }} {{ messages[-1].content is string }} {{ messages|selectattr('role', 'equalto', 'user')|list|length }} {{ messages[2].tool_calls[0].function.arguments|tojson }} {{ messages|map(attribute='role')|join(',') }} {{ (messages|last).content|selectattr('type', 'eq', 'text')|map(attribute='text')|join }}
{% set loop_messages = messages[1:] %}{% for message in loop_messages %}{{ '<|' + message['role'] + '|>' + (message['content'] if message['content'] is string else '') + '\n' }}{% endfor %}
{{ messages|length - 1 }} {{ messages[messages|length - 1].role }} {{ loop is defined }}
{{ '%.3f' % 2.0005 }} {{ 1e400|string }} {{ 123456789012345680.0 }} {{ 1e15 }} {{ 1e16 }} {{ 0.0001 }} {{ 0.00001 }} {{ 5e-324 }} {{ 1.7976931348623157e308 }} {{ -0.0 }} {{ 100.0 }} {{ 1e2 }}
{{ 10 ** 400 }}
{{ (10 ** 400) / 3 }}
{{ 1 < nothing }}
{{ nothing|replace('a', 'b') }}|{{ nothing|upper }}|{{ nothing ~ 'a' }}|{{ nothing|sort }}|{{ nothing|string }}|{{ nothing|e }}
{{ nothing['a'] }}
{{ nothing.a.b }}
{{ users[0].nothing.x }}
{{ users.name }}|{{ users['name'] }}
{{ (1).bit_length() }} {{ 2.0.is_integer() }}
{{ s.encode }}
{% set x = namespace(l=[]) %}{% for i in range(3) %}{% set x.l = x.l + [i] %}{% endfor %}{{ x.l }}
{% set x = {'a': 1} %}{% set y = dict(x, b=2) %}{{ x }}{{ y }}
{% for k, v in {'b': 1, 'a': [1]}|dictsort %}{{ k }}{{ v }}{% endfor %}
{% for i in range(3) %}{% for j in range(3) if j == i %}{{ loop.index }}{{ j }}{% endfor %}{% endfor %}
{% for i in l %}{{ loop.index if loop.last else ',' }}{% endfor %}
{% set found = namespace(v=false) %}{% for i in range(5) if not found.v %}{{ i }}{% if i == 2 %}{% set found.v = true %}{% endif %}{% endfor %}
'''

# Cases of the table are lines; these have several.
LONG = [
    "  {% if t %}  \n  a  \n  {% endif %}  \nb",
    "  {%- if t -%}  \n  a  \n  {%- endif -%}  \nb",
    "  {%+ if t +%}  \n  a\n  {%+ endif %}\nb",
    "a\n  {{ n }}\n  {{- n }}\n  {{ n -}}\n  b\n",
    "{{ 'a' }}\n{{ 'b' }}\n\n",
    "  {# c #}\n  d\n  {#- e #}\n\nf",
    "{% if t -%}   a{% endif %}\n\n {%- set x = 1 %}\n\n b\n",
    " x{% if t %}\n y\n{% endif %}\n z\n",
    "a\n{%- for x in l %}\n {{ x }}\n{%- endfor %}\n\nend\n",
    "{% for x in l %}\n  {{ x }}\n{% endfor %}\n",
    "{% for x in l -%}\n  {{ x }}\n{% endfor -%}\n",
    "{% raw %}\n x {{ y }}\n{% endraw %}\n z",
    "  {% raw -%}\n x {{ y }}\n  {%- endraw %}\n z",
    "a {% raw %}b{% endraw %} c\n  {% raw %}\n  d\n  {% endraw %}\n",
    "{#- x -#}\n\n a {# b #}\n{# c #}  d\n   {# e +#}\n f",
    "a\r\nb\rc\n{{ 'x\r\ny' }}\r\n",
    "\n\n{% set x = 1 %}\n\n{{ x }}\n\n",
    "\t {% if t %}\n\t {{ n }}\n\t {% endif %}\n",
    "x {% if t %}\n{% endif %} y",
    "{{ n }}\n{% if t %}{% endif %}\n  z",
    "{% if t %}\n\n\n{{ n }}{% endif %}",
    "\u00a0{% if t %}a{% endif %}\n\u3000{%- if t %}b{% endif %}",
    "{%- macro m(a) -%}\n  {%- if a -%}\n    {{ a }}\n  {%- else -%}\n    none\n  {%- endif -%}\n{%- endmacro -%}\n[{{ m(1) }}{{ m() }}]",
    "{{ nothing.x }}\n",
    "\n\n{{ nothing.x }}",
    "{% for m in messages %}\n{% if m.role == 'user' %}\n{{ m.content }}\n{% elif m.role == 'system' %}\n[{{ m.content|trim }}]\n{% else %}\n{{ m.tool_calls | tojson(indent=2) }}\n{% endif %}\n{% endfor %}\n{% if add_generation_prompt %}go{% endif %}",
    "",
    "\n",
    "{%- -%}",
    "{{ '" + "x" * 300 + "' }}",
]  # fmt: skip

SEED = 20261121


def random_case(rng):
    """An expression or a small template over VARIABLES."""
    names = ["n", "z", "neg", "big", "f", "t", "nil", "s", "empty", "uni", "num", "l", "words", "nested", "el", "mixed",
             "d", "users", "nothing", "lines"]  # fmt: skip
    literals = ["0", "1", "-1", "2", "0.5", "3.0", "'a'", "'l'", "''", "' '", "'é'", "true", "false", "none", "[]",
                "[1, 'b']", "{}", "{'a': 1}", "(1, 2)", "'%s'", "'1,2'", "1e16", "range(3)"]  # fmt: skip
    binary = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", ">=", "in", "not in", "and", "or"]
    filters = ["upper", "lower", "trim", "length", "first", "last", "list", "string", "int", "float", "sort", "unique|list",
               "reverse|list", "join(',')", "tojson", "default('x')", "default('y', true)", "abs", "round", "title",
               "capitalize", "sum", "min", "max", "items|list", "dictsort", "map('string')|list", "select|list",
               "map(attribute='name')|list", "selectattr('age')|list", "replace('l', 'L')", "indent(2)", "escape",
               "batch(2)|list", "slice(2)|list", "tojson(indent=1)", "wordcount", "urlencode", "truncate(4)",
               "groupby('age')|list|length", "center(9)", "round(1)", "format(1)", "striptags", "wordwrap(4)"]  # fmt: skip
    methods = [".upper()", ".strip()", ".split()", ".split(',')", ".split('l', 1)", ".title()", ".startswith('H')",
               ".find('o')", ".replace('o', '0')", ".items()", ".keys()|list", ".get('a')", ".get('name', 1)", ".count(1)",
               ".index(1)", "[0]", "[-1]", "['a']", "[1:]", "[:-1]", "[::-1]", "[:2]", ".a", ".name", ".splitlines()",
               ".join(words)", ".isdigit()", ".capitalize()", ".lstrip('H')", ".rstrip()", ".center(4, '*')"]  # fmt: skip
    tests = ["defined", "none", "string", "number", "mapping", "sequence", "iterable", "odd", "even", "true", "boolean",
             "integer", "float", "lower", "upper", "eq 1", "gt 1", "in [1, 2]", "undefined", "callable"]  # fmt: skip

    def expression(depth):
        kind = rng.randrange(10)
        if depth == 0 or kind < 2:
            return rng.choice(names if rng.random() < 0.6 else literals)
        inner = expression(depth - 1)
        if kind < 4:
            return f"({inner} {rng.choice(binary)} {expression(depth - 1)})"
        if kind < 6:
            return f"({inner})|{rng.choice(filters)}"
        if kind < 8:
            return f"({inner}){rng.choice(methods)}"
        if kind == 8:
            return f"({inner} is {rng.choice(['', 'not '])}{rng.choice(tests)})"
        return rng.choice(
            [
                f"({inner} if {expression(depth - 1)} else {expression(depth - 1)})",
                f"(not {inner})",
                f"(-{inner})",
                f"[{inner}, {expression(depth - 1)}]",
                f"{{'k': {inner}}}",
            ]
        )

    def space():
        return rng.choice(["", "", " ", "\n", "\n  ", " \n\n", "x", "\t"])

    def tag(text):
        return "{%" + rng.choice(["", "", "-", "+"]) + f" {text} " + rng.choice(["", "", "-", "+"]) + "%}"

    def body(depth):
        parts = []
        for _ in range(rng.randrange(1, 4)):
            parts.append(space())
            kind = rng.randrange(8) if depth else 0
            if kind < 2:
                parts.append("{{" + rng.choice(["", "-"]) + f" {expression(1)} " + rng.choice(["", "-"]) + "}}")
            elif kind == 2:
                parts.append(tag(f"if {expression(1)}") + body(depth - 1) + tag("else") + body(depth - 1) + tag("endif"))
            elif kind == 3:
                loop = rng.choice(["", "{{ loop.index }}", "{{ loop.last }}", tag("break"), "{{ i }}"])
                parts.append(tag(f"for i in {expression(1)}") + loop + body(depth - 1) + tag("endfor"))
            elif kind == 4:
                parts.append(tag(f"set v = {expression(1)}") + "{{ v }}")
            elif kind == 5:
                parts.append("{#" + rng.choice(["", "-"]) + " c " + rng.choice(["", "-", "+"]) + "#}")
            elif kind == 6:
                parts.append(tag("set w") + body(depth - 1) + tag("endset") + "{{ w|length }}")
            else:
                parts.append(tag("macro m(x=1)") + body(depth - 1) + tag("endmacro") + "{{ m(2) }}")
        parts.append(space())
        return "".join(parts)

    return "{{ " + expression(3) + " }}" if rng.random() < 0.7 else body(2)


def slices_at_run_time():
    """A slice of a constant that has no slices is undefined when jinja2 computes it while compiling, and fails when it
    does so while rendering, which depends on what is around it. Always the second, here."""
    as_const = jinja2.nodes.Getitem.as_const

    def as_const_but_slices(node, *arguments):
        if isinstance(node.arg, jinja2.nodes.Slice):
            raise jinja2.nodes.Impossible()
        return as_const(node, *arguments)

    jinja2.nodes.Getitem.as_const = as_const_but_slices


def outcome(template):
    try:
        # A copy: some filters change their argument in place.
        return [template, compiled(template).render(**copy.deepcopy(VARIABLES))]
    except RecursionError:
        raise
    except Exception as e:
        message = re.sub(r"\s+", " ", str(e))
        return [template, None, type(e).__name__, message]


def depends_on_the_machine(case):
    """Addresses of objects, or what sets and sorting of Python's own make of them."""
    text = case[1] if case[1] is not None else case[3]
    return bool(re.search(r"0x[0-9a-f]{6,}| at 0x|<built-in|<bound|<function|<class|_io\.|&lt;(bound|built|function|class)", text))


def main():
    slices_at_run_time()
    lines = TABLE.strip("\n").split("\n")
    cases = [outcome(template) for template in dict.fromkeys(lines + LONG)]
    rng = random.Random(SEED)
    random_cases = {}
    failing = 0
    # What fails is the larger part of what can be put together at random, and says less.
    while len(random_cases) < 5000:
        template = random_case(rng)
        case = outcome(template)
        failing += case[1] is None and template not in random_cases
        if case[1] is not None or failing < 1500:
            random_cases.setdefault(template, case)
    document = {
        "variables": VARIABLES,
        "table": [case for case in cases if not depends_on_the_machine(case)],
        "random": [case for case in random_cases.values() if not depends_on_the_machine(case)],
    }
    out = pathlib.Path(__file__).parent.parent / "resources/template/cases.json.gz"
    out.parent.mkdir(exist_ok=True)
    data = json.dumps(document, ensure_ascii=False, separators=(",", ":"), indent=None).encode()
    out.write_bytes(gzip.compress(data, mtime=0))
    failed = sum(case[1] is None for case in document["random"])
    print(f"table={len(document['table'])} random={len(document['random'])} failing={failed} bytes={out.stat().st_size}")


if __name__ == "__main__":
    main()
