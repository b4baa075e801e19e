"""Nothing invisible passes that could turn, hide or smuggle text; what writing systems need stays."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.text import clean_controls

FSI, PDI = "\u2068", "\u2069"
BANNED = {
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2060, 0x2070)),
    *map(chr, range(0xE0000, 0xE0080)),
    *map(chr, range(0xD800, 0xE000)),
    *"\u00ad\u180e\u200b\ufeff\ufff9\ufffa\ufffb\u2028\u2029",
} - {"\t", "\n", FSI, PDI}
MARKS = set("\u061c\u200e\u200f")

# Lines as newspapers print them: none may change.
LEGITIMATE = [
    "إدارة بايدن تستأنف ترحيل المهاجرين إلى فنزويلا",
    "أعلنت وزارة الأمن الداخلي (DHS) قرارًا جديدًا في 5 أكتوبر 2023.",
    "الولايات المتّحدة: «الحماية المؤقّتة» حتى عام ٢٠٢٥",
    "المادة 8 من القانون، الفقرة (أ)، تنصّ على ذلك",
    "طلب اللجوء — كيف؟ ولماذا؟",
    "هيئة USCIS تمدّد TPS لليمن والسودان",
    "ממשל ביידן מחדש את הגירוש לוונצואלה",
    'בית המשפט העליון של ארה"ב דחה את הערעור',
    "שלום! 25% מהמבקשים קיבלו אשרה (ויזה) ב־2023",
    "מִקְלָט מְדִינִי",
    "دولت آمریکا اخراج مهاجران را از سر می‌گیرد",
    "می‌خواهم درخواست پناهندگی‌ام را بفرستم",
    "خانه‌ها و کتاب‌های قدیمی",
    "پناه‌جویان افغانستانی و برنامهٔ TPS",
    "نیم‌فاصله در متن‌های فارسی",
    "پناہ گزینوں کے لیے نئی پالیسی",
    "وەزارەتی ناوخۆی ئەمریکا",
    "شرائط ویزا ۲۰۲۴ء میں تبدیل",
    "हिन्दी में समाचार: शरणार्थी नीति",
    "क्‍या नियम बदले? श्‍रम मंत्रालय",
    "ন্যাশনাল নিউজ র‍্যাব",
    "ಕನ್ನಡ ಸುದ್ದಿ ರ‍್ಯಾಲಿ",
    "മലയാളം വാര്‍ത്ത",
    "အမေရိကန် ဒုက္ခသည် အစီအစဉ်",
    "ប្រទេសកម្ពុជា និងទិដ្ឋាការ",
    "ภาษาไทยไม่มีช่องว่าง",
    "日本語のニュース、ビザ発給停止",
    "한국어 뉴스: 비자 중단",
    "中文新闻：临时保护身份",
    "Tiếng Việt có nhiều dấu thanh",
    "Deportación: ¿qué cambia mañana?",
    "e\u0301te\u0301 de\u0301compose\u0301",
    "Ŵ ẅ ﬁ ½ № ™ — – … “ ” ‘ ’",
    "👨‍👩‍👧‍👦 families 👩🏽‍⚖️ judges 🏳️‍🌈 ❤️‍🔥",
    "🇺🇸🇻🇪 flags and keycaps 1️⃣",
    "tab\tseparated",
    "two\n\nparagraphs",
]


@pytest.mark.parametrize("line", LEGITIMATE)
def test_legitimate_text_is_unchanged(line: str) -> None:
    assert clean_controls(line) == line


CONTROLS = st.sampled_from(sorted(BANNED | MARKS | {FSI, PDI, "\u200c", "\u200d", "\r\n"}))
LINES = st.sampled_from([*LEGITIMATE, "plain words", "usc", "is.gov", "م", "א", "न", "क्", "👩", " ", "\n"])


@settings(max_examples=2_000)
@given(st.one_of(st.text(), st.lists(st.one_of(CONTROLS, CONTROLS, LINES), max_size=12).map("".join)))
def test_whatever_comes_in_nothing_deceives(text: str) -> None:
    cleaned = clean_controls(text)
    assert not set(cleaned) & BANNED
    for line in cleaned.split("\n"):
        # Direction is contained in its line: isolates come as one pair around all of it, marks only within one.
        inside = line[1:-1] if line.startswith(FSI) else line
        assert not set(inside) & {FSI, PDI}
        assert line in {inside, f"{FSI}{inside}{PDI}"}
        assert inside != line or not set(inside) & MARKS
    assert clean_controls(cleaned) == cleaned
    cleaned.encode()


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("pay\u202egnp.exe\u202c now", "paygnp.exe now"),
        ("\u2066\u2067\u2068x\u2069", "x"),
        ("us\u200bcis\u2060\ufeff", "uscis"),
        ("a\u200db a\u200cb", "ab ab"),
        ("👩\u200dx 👩\u200d", "👩x 👩"),
        ("\u200d👩", "👩"),
        ("م\u200c م\u200d", "م م"),
        ("م\u200c\u200cم", "مم"),
        ("\u060c\u200cx", "\u060cx"),
        ("हिन्\u200d", "हिन्\u200d"),
        ("hid\U000e0068\U000e0069den", "hidden"),
        ("nul\0l \x1b[31mred\x9b", "null [31mred"),
        ("half \ud83d pair", "half  pair"),
        ("one\r\ntwo\rthree\x0bfour\x85five\u2028six\u2029seven", "one\ntwo\nthree\nfour\nfive\nsix\nseven"),
        ("left\u200e right\u200f letter\u061c", "left right letter"),
        ("שלום\u200f USCIS\nplain\u200e", f"{FSI}שלום\u200f USCIS{PDI}\nplain"),
        ("soft\u00adhyphen", "softhyphen"),
    ],
)
def test_examples(text: str, cleaned: str) -> None:
    assert clean_controls(text) == cleaned
