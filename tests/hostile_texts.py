"""Texts with which somebody could try to change what others see, each with what is shown of it wherever it appears."""

_AS_IT_IS = (
    "![x](http://evil.example/i.png)",
    "[Open](http://evil.example)",
    "<http://evil.example>",
    "[a][b] [b]: http://evil.example",
    "http://evil.example/a?b=c&d",
    "www.evil.example and WWW.evil.example",
    "someone@evil.example",
    "javascript:alert(1)",
    ":material/skull: :material_skull:",
    ":smile: :+1: :streamlit:",
    ":red[evil] :small[evil]",
    ":green-background[evil] :blue-badge[evil]",
    "$x^2$ and $$y$$",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="http://evil.example">evil</a>',
    "</div><style>*{display:none}</style>",
    "&lt;b&gt; &amp; &#x41; &nbsp;",
    "**bold** __bold__ *em* ~~gone~~ ***",
    "`code` ``` \\` \\",
    "# heading",
    "> quoted",
    "1. one",
    "- [ ] task",
    "---",
    "| a | b | |---|---|",
    "a[^1] [^1]: note",
    "-> <- <-> -- >= <= ~= plain",
    "{{7*7}} ${7*7} {a|b} %{y} {@[1]}",
    '%s %n \'or\' "1"="1" ; rm -rf /',
    "=1+1 @SUM(A1) +1 -1",
    "👩\u200d🔬 🇨🇭 👨\u200d👩\u200d👧 👍🏽",
    "عربى עברית می\u200cخواهم हिन्दी",
)
# What nobody can see is dropped, and a name, a message or a file's name is one line.
_CLEANED = {
    "line\n# evil\n\n- evil": "line # evil - evil",
    "tab\tand\r\nreturn": "tab and return",
    "evil\u202egnp.exe\u2066": "evilgnp.exe",
    "zero\u200bwidth\ufeff": "zerowidth",
    "nul\x00 bell\x07 \x1b[31mred": "nul bell [31mred",
    "Z\u0336\u0321\u0327\u031b\u0353\u0354\u0351\u0310\u0352algo": "Z\u0336\u0321\u0327\u031balgo",
}
LONG = "x" * 5_000
HOSTILE = {text: text for text in _AS_IT_IS} | _CLEANED
ALL = " ".join(HOSTILE)
ALL_SHOWN = " ".join(HOSTILE.values())
# As long as a name may be, and each of another kind.
NAMES = (
    "www.evil.example http://evil.example someone@evil.example",
    ":material/skull: :smile: :red[evil] $x^2$ **b** `c` -> -- >=",
    "![x](http://evil.example/i.png) [a](javascript:alert(1))",
    '<img src=x onerror=alert(1)> <a href="//evil">x</a> &lt;',
    "👩\u200d🔬 🇨🇭 می\u200cخواهم {{7*7}} {a|b} %{y} %s # - 1. | ~~x~~",
)
