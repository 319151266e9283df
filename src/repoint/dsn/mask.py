"""Passwords replaced by `***` in any text, so that it can be shown.

Where a text is ambiguous more is masked rather than less. Variables (`${PASSWORD}`,
`$(PW)`, `{{ .Values.password }}`) stay: they name a secret, they are none.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from repoint.dsn.parse import find
from repoint.dsn.shape import password_place
from repoint.dsn.text import TEMPLATE, shadow
from repoint.dsn.url import WRAPPERS, body_at, layout

MASK = "***"

# What wraps a scheme belongs to the URL: at the start of a text a quote does not end its body.
_URL = re.compile(
    rf"(?<![A-Za-z0-9+.\-])(?:(?i:{WRAPPERS}|db:))?[A-Za-z][A-Za-z0-9+.\-]{{0,40}}+://"
)
_HARMLESS_COLON = re.compile(
    r"(?:\[[^\]@]*\]|[^:@\[]*)(?::(?:\d{1,5}|\x00+|\$\w+)?)?(?:[/?#,].*)?", re.DOTALL
)
_REST_WITH_AT = re.compile(r"[^\n\"'`@]{0,200}@[^\s\"'`]*")

_SECRET_WORD = re.compile(r"(?i)passw|passphrase|pwd|pass\d*$|pass[_.\-]")
_PASSWORD = re.compile(r"(?i)passw|pwd")
"""What every connection string that gives its password by name has."""

_NOT_SECRET = re.compile(
    r"(?i)(?:pass|pwd)\w*?[_.\-]?(?:file|from|key|ref|keyref|secretname|secretkey|secretref|secret"
    r"|policy|path|field|property|env|var|variable|name|url|auth|authentication|encryption"
    r"|through|length|hash_?type|command|cmd|prompt|required)$"
)
# Stricter than a template elsewhere: `${PASSWORD:-secret}` and `{{ default "secret" }}`
# carry a secret of their own. What may stand twice in a row takes all it can and gives nothing
# back: else a row of stars is cut up in every way there is.
_VARIABLE = re.compile(
    r"(?:\$?\{\{[^{}\"'`]{0,200}\}\}|\$\{[A-Za-z_]\w*\}|\$\([A-Za-z_]\w*\)|\$[A-Z_][A-Z0-9_]*"
    r"|\$\((?:cat|<)[^()\"'`]{1,100}\)|%\([\w.]+\)s|%[A-Z_]+%|\*{3,}+"
    r"|<[^<>]{0,40}(?i:pass|pwd|secret|your|redacted)[^<>]{0,40}>"
    r"|(?:var|local|data|module|random_password|each)\.[a-z_][\w.\[\]\"*]*+)+"
    r"|null|~|true|false"
)
_NAMED = re.compile(
    r"(?<![\w.\-])(?P<key>[\w.\-]++)(?:\\?[\"'])?(?P<joint>[ \t]{0,40}(?:=>|:=|[:=])[ \t]{0,40})"
)
_NAME_THEN_VALUE = re.compile(
    r"\b(?:name|key|Name|Key)[\"']?[ \t]*[:=][ \t]*[\"']?(?P<key>[\w.\-]++)[\"']?"
    r"[\s,+\-]{0,200}+[\"']?[vV]alue[\"']?[ \t]*[:=][ \t]*"
)
_QUOTED = re.compile(
    r"\\\"(?P<escaped>(?:[^\"\\\n]|\\[^\"\n])*+)\\\""
    r"|\"(?P<double>(?:[^\"\\\n]|\\.|\"\")*+)\"|'(?P<single>(?:[^'\n]|'')*+)'"
)
_OVER_LINES = re.compile(r"'((?:[^'\\]|\\.)*+)'", re.DOTALL)
"""libpq ends a value at its quote, however many lines further down."""

_SEALED = re.compile(r"ENC\[AES256_GCM,[^\]\n]*\]")
_AFTER_QUOTE = re.compile(r"(?!/>)(?:[^\s;&|)\]},\"'<>\\]|\"[^\"\s]+\"|'[^'\s]+')*+")
_WORD = re.compile(rf"(?:{TEMPLATE}|\\[^\n]|\S)*+")
_WORD_END = re.compile(
    r";(?=\s|$|[A-Za-z][\w ]{0,40}=)|&(?=amp;|[\w.\-]{1,60}=)|,(?=\s|$|[\w ]{1,40}=)"
    r"|[\"'`](?=$|[\s,;)\]}])|</|\\n|\\\""
)
_ADO_END = re.compile(r"[;\"\n]")
_LINE = re.compile(r"[^\n]*+")
_LINE_END = re.compile(r"[ \t]#|,[ \t]*[\"']?[\w.\-]{1,60}[\"']?[ \t]*:|\\n|\\\"|\r?$")
_BLOCK = re.compile(r"[|>][+\-0-9]{0,2}[ \t]*(?:#[^\n]*)?\r?\n")
_PREFIX = re.compile(r"(?:[&!][^\s]{0,60}[ \t]+)*+")

_SQL = re.compile(
    r"(?i)(\b(?:PASSWORD|IDENTIFIED\s+BY)\s+)"
    r"(?:E?\\?'(?P<quoted>(?:[^'\\\n]|''|\\[^'\n])*+)\\?'|\$(\w{0,20})\$(?P<dollar>.{0,200}?)\$\3\$)"
)
_FLAG = re.compile(
    r"(?<![\w\-])(--?[\w\-]{0,40}pass(?:word|wd|phrase)?"
    r"(?:[\"'],\s{0,80}|[\"']?\s{0,4}\n[ \t+\-]{0,80}-[ \t]{1,8}|[ \t]{1,8}))"
    r"(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s\-\"'][^\s\"']*)"
)
_SHORT_FLAG = re.compile(
    r"(?m)^(?P<line>[^\n]{0,400}?\b(?:sshpass|mysql\w*|mariadb\w*|mongo\w*|usql|pgcli|curl)\b"
    r"[^\n]{0,400}?[ \t\"']-p[ \t]?)(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s\"']+)"
)
_PGPASS = re.compile(
    r"(?m)((?:^[ \t+\-]*+|(?<=[\s\"'=]))[^\s:#\"'=]{1,255}+:(?:\d{1,5}|\*):"
    r"[^\s:]{1,200}+:[^\s:]{1,200}+:)([^\n\r]+)"
)
_USERLIST = re.compile(r"(?m)^([ \t]*\"[^\"\n]+\"[ \t]+\")([^\"\n]*)(\")")
_XML = re.compile(r"(?i)(<[\w:.\-]*(?:password|passwd|pwd)(?:\s[^<>]*)?>)([^<]+)(</)")
_XML_VALUE = re.compile(
    r"(?i)(<[^<>]{0,200}[\"'][\w.\-]*(?:password|passwd|pwd)[\"'][^<>]{0,200}\bvalue=)"
    r"(\"[^\"]*\"|'[^']*')"
)
# base64 of `postgres:`, `postgres+`, `postgresql+` and `postgresql:`, each also behind `db+`, and
# of `jdbc:postgres` and `sqla+postgres`
_ENCODED_DSN = re.compile(
    r"(?<![\w+/])(?:(?:ZGIr)?cG9zdGdyZX(?:M6|Mr|NxbCt|NxbDo)|(?:amRiYzpw|c3FsYStw)b3N0Z3Jlc3)"
    r"[\w+/]{8,}={0,2}"
)


def mask(text: str) -> str:
    """`text` with every password replaced by `***`.

    Masking twice changes nothing, but in texts that nobody writes, where it masks more.
    """
    for step in _STEPS:
        text = step(text)
    return text


def is_secret_name(key: str) -> bool:
    """Whether what goes by this name is a password, as far as names tell."""
    return bool(_SECRET_WORD.search(key)) and not _NOT_SECRET.search(key)


def _hidden(value: str) -> str:
    """What stands for `value`: itself when empty or a variable."""
    return value if not value or _VARIABLE.fullmatch(value) else MASK


def _known(text: str) -> str:
    """What the parser takes for a password: where a step below is of another mind, it stands."""
    if not ("://" in text and "@" in text) and _PASSWORD.search(text) is None:
        return text
    pieces: list[str] = []
    cursor = 0
    for dsn in find(text):
        low, high = password_place(text, dsn) or (0, 0)
        if low >= cursor and low < high:
            pieces += [text[cursor:low], _hidden(text[low:high])]
            cursor = high
    return "".join((*pieces, text[cursor:])) if pieces else text


def _urls(text: str) -> str:
    if "://" not in text:
        return text
    pieces: list[str] = []
    cursor = position = 0
    while (found := _URL.search(text, position)) is not None:
        body = body_at(text, found.start(), found.end())
        secret = _url_secret(text, body, found.end())
        if secret is not None:
            low, high = secret
            pieces += [text[cursor:low], _hidden(text[low:high])]
            cursor = position = high
        else:  # a URL inside the query of this one may still hold a password
            position = found.end() + (0 if "@" in body else len(body))
    return "".join((*pieces, text[cursor:]))


def _url_secret(text: str, body: str, after: int) -> tuple[int, int] | None:
    """The password's place in a URL's body; to its end where that is unclear."""
    view = shadow(body)
    info = layout(view).info
    if info:
        colon = view.find(":", 0, info)
        return (after + colon + 1, after + info - 1) if colon >= 0 else None
    colon = view.find(":")
    if colon < 0 or _HARMLESS_COLON.fullmatch(view):
        return None
    rest = _REST_WITH_AT.match(text, after + len(body))
    if rest is not None:
        return after + colon + 1, text.rindex("@", rest.start(), rest.end())
    return after + colon + 1, after + len(body)


def _named(text: str) -> str:
    return _walk(text, _NAMED, _named_value)


def _name_then_value(text: str) -> str:
    return _walk(text, _NAME_THEN_VALUE, lambda text, found: _value(text, found.end(), ":"))


_Place = tuple[int, int, str] | None


def _walk(
    text: str, pattern: re.Pattern[str], value: Callable[[str, re.Match[str]], _Place]
) -> str:
    """Replace the value that follows each secret's name; the text is read once."""
    pieces: list[str] = []
    cursor = position = 0
    while (found := pattern.search(text, position)) is not None:
        position = found.end()
        place = value(text, found) if is_secret_name(found.group("key")) else None
        if place is not None:
            low, high, shown = place
            pieces += [text[cursor:low], shown]
            cursor = position = high
    return "".join((*pieces, text[cursor:]))


def _named_value(text: str, found: re.Match[str]) -> _Place:
    joint = found.group("joint")
    if found.group("key") in ("PWD", "OLDPWD") and text[found.end() :][:1] in ("/", ".", '"', ""):
        return None
    if "=" not in joint:
        return _value(text, found.end(), ":")
    if joint[-1] in " \t" and joint[0] not in " \t":
        return None  # `PGPASSWORD= psql`: the value is empty
    before = text[: found.start()].rstrip(" \t")[-1:]
    return _value(text, found.end(), ";" if before == ";" else "=")


def _value(text: str, start: int, joint: str) -> _Place:
    """Where the value at `start` stands, and what to show in its place."""
    if joint == ":":
        start = _end(_PREFIX, text, start)
        block = _BLOCK.match(text, start)
        if block is not None:
            return _block(text, block)
        if text[start : start + 1] in ("{", "[") and text[start : start + 2] != "{{":
            return None
    sealed = _SEALED.match(text, start)
    if sealed is not None:
        return start, sealed.end(), sealed.group()
    quoted = _QUOTED.match(text, start)
    if quoted is not None:
        inner = next(i for i in ("escaped", "double", "single") if quoted.group(i) is not None)
        low, high = quoted.span(inner)
        rest = _end(_AFTER_QUOTE, text, quoted.end()) if joint != ":" else quoted.end()
        if rest == quoted.end():
            return low, high, _hidden(text[low:high])
        # To where a bare word would end, so that masking twice is masking once.
        place = _bare(text, rest, joint)
        rest = max(rest, place[1]) if place is not None else rest
        return start, rest, _hidden(text[start:rest])
    if joint == "=" and (long := _OVER_LINES.match(text, start)) is not None:
        return *long.span(1), _hidden(long.group(1))
    return _bare(text, start, joint)


def _bare(text: str, start: int, joint: str) -> _Place:
    """An unquoted value: a word after `=`, the rest of the line after `:`."""
    if joint == ";":
        found = _ADO_END.search(text, start)
        end = found.start() if found else len(text)
    else:
        pattern, stop = (_LINE, _LINE_END) if joint == ":" else (_WORD, _WORD_END)
        end = _end(pattern, text, start)
        view = shadow(text[start:end])
        found = stop.search(view)
        end = start + found.start() if found else end
    value = text[start:end].rstrip()
    while value and value[-1] in ")]}" and not _VARIABLE.fullmatch(value):
        value = value[:-1]
    return start, start + len(value), _hidden(value)


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start


def _block(text: str, header: re.Match[str]) -> _Place:
    """A YAML block scalar: every line that is deeper than its key."""
    line_start = text.rfind("\n", 0, header.start()) + 1
    indent = _indent(text, line_start)
    end = position = header.end()
    while position < len(text):
        line_end = text.find("\n", position)
        line_end = len(text) if line_end < 0 else line_end
        blank = not text[position:line_end].strip()
        if not blank and _indent(text, position) <= indent:
            break
        end = end if blank else line_end
        position = line_end + 1
    if end == header.end():
        return None
    body = text[header.end() : end]
    lead = body[: len(body) - len(body.lstrip())]
    return header.end() + len(lead), end, _hidden(body.strip())


def _indent(text: str, start: int) -> int:
    """Depth of the line at `start`; a list's dash and a diff's sign count as depth."""
    found = re.compile(r"[ \t+\-]*").match(text, start)
    return found.end() - start if found else 0


def _flags(text: str) -> str:
    def hide(found: re.Match[str]) -> str:
        value = found.group("value")
        quote = value[0] if value[0] in "\"'" else ""
        inner = value.strip(quote) if quote else value
        return found.group()[: -len(value)] + quote + _hidden(inner) + quote

    if "-p" in text:
        text = _SHORT_FLAG.sub(hide, text)
    return _FLAG.sub(hide, text) if "pass" in text else text


def _sql(text: str) -> str:
    def hide(found: re.Match[str]) -> str:
        name = "quoted" if found.group("quoted") is not None else "dollar"
        low, high = (place - found.start() for place in found.span(name))
        whole = found.group()
        return whole[:low] + _hidden(whole[low:high]) + whole[high:]

    return _SQL.sub(hide, text)


def _files(text: str) -> str:
    """pgpass lines, PgBouncer's userlist, XML, and base64 of a connection string."""
    text = _PGPASS.sub(lambda m: m.group(1) + _hidden(m.group(2)), text)
    text = _USERLIST.sub(lambda m: m.group(1) + _hidden(m.group(2)) + m.group(3), text)
    text = _XML.sub(lambda m: m.group(1) + _hidden(m.group(2)) + m.group(3), text)
    text = _XML_VALUE.sub(
        lambda m: m.group(1) + m.group(2)[0] + _hidden(m.group(2)[1:-1]) + m.group(2)[0], text
    )
    return _ENCODED_DSN.sub(MASK, text)


_STEPS = (_known, _urls, _name_then_value, _named, _flags, _sql, _files)
