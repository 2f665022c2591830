"""Queries that name one thing exactly: the line that has it, and lines that nearly do.

`tests/failures/test_exact_identifier_is_found.py` asks them of tamis alone,
`benches/identifiers.py` of its peers, too.
"""

from __future__ import annotations

from typing import NamedTuple

#: What the other lines of an index say.
FILLERS = [
    "The board meets on the first Monday of the month",
    "Parking is free for visitors on weekends",
    "Lunch is served in the canteen at noon",
    "Travel is booked through the office portal",
    "The annual report appears in early spring",
    "Badges are handed out at the reception desk",
    "The boiler is inspected every autumn",
    "Chairs are stacked along the wall overnight",
    "The lift carries eight people at most",
]


class Row(NamedTuple):
    """A query, the line that must come first, and lines that must come below it."""

    query: str
    wanted: str
    decoys: tuple[str, ...]

    def lines(self, *, reverse: bool = False) -> list[str]:
        """Return the ten lines of an index, the wanted one first or last."""
        lines = [self.wanted, *self.decoys, *FILLERS][:10]
        return lines[::-1] if reverse else lines


#: The queries on which peers were first tried.
FIRST = [
    Row(
        "Section 4.2(b)",
        "Section 4.2(b) Early termination by the customer",
        (
            "Section 2.4(b) Early termination by the supplier",
            "Section 4.2(a) Early termination of a service",
            "Section 4.2 (c) Section by section, b follows 4.2",
        ),
    ),
    Row(
        "4.2(b)",
        "Section 4.2(b) Early termination by the customer",
        (
            "Section 2.4(b) Early termination by the supplier",
            "Section 4.2(a) Early termination of a service",
            "Part b of annex 4.2",
        ),
    ),
    Row(
        "E-1042",
        "E-1042 means that the pump is blocked",
        (
            "Error 1042 in module E stops the pump",
            "E-1043 means that the pump is dry",
            "E 1042",
        ),
    ),
    Row(
        "user_account_id",
        "The column user_account_id holds the number of the customer",
        (
            "The account user id is a number, and so is the id of a user account",
            "The account id of a user is a number",
            "account user id",
        ),
    ),
    Row(
        "C++",
        "C++ compiles to machine code on every platform",
        (
            "C# compiles to machine code on every platform",
            "C compiles to machine code on every platform",
            "C",
        ),
    ),
    Row(
        "C#",
        "C# compiles to machine code on every platform",
        (
            "C++ compiles to machine code on every platform",
            "C compiles to machine code on every platform",
            "C C",
        ),
    ),
    Row(
        "C",
        "C compiles to machine code on every platform",
        (
            "C++ compiles to machine code on every platform",
            "C# compiles to machine code on every platform",
            "D compiles to machine code on every platform",
        ),
    ),
    Row(
        "UserAccount",
        "Call getUserAccountId to learn the number",
        (
            "Call getUserName to learn the name",
            "Call createAccount to make a new one",
            "The accountant uses a number of her own",
        ),
    ),
    Row(
        "数据库",
        "分布式数据库系统的性能优化",
        ("数据的库存管理", "图书馆的仓库里有数字目录", "根据数量计算"),
    ),
    Row(
        "データ",
        "リレーショナルデータベースの設計",
        ("デートの予定表", "ターミナルの使い方", "タイムデザイン"),
    ),
]

#: More of the same kinds.
MORE = [
    Row(
        "§ 12.3",
        "§ 12.3 Liability is limited to the fees paid",
        (
            "§ 12.4 Liability is limited to direct loss",
            "§ 3.12 Liability is limited in time",
            "Of 12 sections, 3 are on liability",
        ),
    ),
    Row(
        "What does clause 4.2(b)(ii) say?",
        "Clause 4.2(b)(ii) covers late deliveries in full",
        (
            "Clause 4.2(b)(i) covers late deliveries in part",
            "Clause 4.2(a)(ii) covers early deliveries",
            "Clause 2.4(b)(ii) covers returned deliveries",
        ),
    ),
    Row(
        "4.2(b)",
        "Clause 4.2(b)(ii) covers late deliveries",
        (
            "Clause 4.2(a)(ii) covers late deliveries",
            "Clause 2.4(b)(ii) covers late deliveries",
            "b or 4.2",
        ),
    ),
    Row(
        "401(k)",
        "The 401(k) plan is matched up to five percent",
        (
            "The 403(k) plan is matched up to six percent",
            "The 401(a) plan is matched up to four percent",
            "Form k, line 401",
        ),
    ),
    Row(
        "ERR_CONN_42",
        "ERR_CONN_42 is raised when the gateway does not answer",
        (
            "ERR_CONN_43 is raised when the gateway answers late",
            "ERR_AUTH_42 is raised when the token is old",
            "42 conn err",
        ),
    ),
    Row(
        "CVE-2024-3094",
        "CVE-2024-3094 concerns a library for compression",
        (
            "CVE-2024-3095 concerns a library for pictures",
            "CVE-2023-3094 concerns a library for fonts",
            "The list of CVE had 3094 entries in 2024",
        ),
    ),
    Row(
        "A002",
        "RULE-A002 forbids open ports",
        (
            "RULE-A020 forbids open doors",
            "RULE-B002 forbids open windows",
            "Rule 002, part A, forbids open files",
        ),
    ),
    Row(
        "2.1.0",
        "Release v2.1.0 drops old formats",
        (
            "Release v2.0.1 reads old formats",
            "Release v1.2.0 writes old formats",
            "Release 2.10 knows old formats",
        ),
    ),
    Row(
        "v2.1.0",
        "Release v2.1.0 drops old formats",
        (
            "Release v2.1.1 reads old formats",
            "Release v1.2.0 writes old formats",
            "Release 2.1.0 of another product",
        ),
    ),
    Row(
        "jane.doe@example.com",
        "Write to jane.doe@example.com about invoices",
        (
            "Write to john.doe@example.com about orders",
            "Write to jane.roe@example.com about returns",
            "Jane Doe, example com",
        ),
    ),
    Row(
        "django.db.models.Q",
        "Complex look-ups are built from django.db.models.Q objects",
        (
            "Columns are named by django.db.models.F objects",
            "The package django.db.models has all of them",
            "Q models db django",
        ),
    ),
    Row(
        "models.Q",
        "Complex look-ups are built from django.db.models.Q objects",
        (
            "Columns are named by django.db.models.F objects",
            "The queue django.tasks.Q runs objects",
            "Q and other models",
        ),
    ),
    Row(
        "MAX_UPLOAD_SIZE",
        "Raise settings.MAX_UPLOAD_SIZE to accept larger files",
        (
            "Raise settings.MAX_UPLOAD_COUNT to accept more files",
            "Raise settings.MIN_UPLOAD_SIZE to accept fewer files",
            "max size upload",
        ),
    ),
    Row(
        "maxAge",
        "The cookie lives for max_age seconds",
        (
            "The cookie lives for min_age seconds",
            "The age of the cookie is at its max",
            "The cookie has a max_size",
        ),
    ),
    Row(
        "HTTPResponse",
        "parseHTTPResponse returns the body",
        (
            "parseHTTPRequest returns the head",
            "parseFTPResponse returns the file",
            "The response came over HTTP",
        ),
    ),
    Row(
        "b_c",
        "The field a.b_c is read only",
        ("The field a.c_b is read only", "The field a.b_d is read only", "c b"),
    ),
    Row(
        "__init__",
        "The method __init__ sets the fields",
        (
            "The method __main__ sets the fields",
            "The method init sets the fields",
            "init",
        ),
    ),
    Row(
        "std::vector",
        "A std::vector grows at its end",
        ("A std::list grows anywhere", "A vector of std grows", "A geo::vector has a length"),
    ),
    Row(
        ".NET",
        "The plug-in runs on .NET only",
        ("The net price runs on", "The net runs deep", "NET"),
    ),
    Row(
        "net",
        "The price net of tax is shown",
        ("The plug-in for .NET is shown", "The .NET runtime is shown", ".NET"),
    ),
    Row(
        "C#",
        "Bindings for C++/C# are shipped",
        ("Bindings for C++/C are shipped", "Bindings for C are shipped", "Bindings in Cs"),
    ),
    Row(
        "F#",
        "Pipelines are natural in F# code",
        ("Pipelines are natural in C# code", "Pipelines are natural in F code", "F"),
    ),
    Row(
        "R&D",
        "The R&D budget was raised",
        ("The D&R budget was raised", "The R and D columns were swapped", "D R"),
    ),
    Row(
        "A/B",
        "The A/B test ran for a week",
        ("The B/A ratio ran for a week", "Test B ran after test A", "B A"),
    ),
    Row(
        "ERR_42",
        "画面に\uff25\uff32\uff32\uff3f\uff14\uff12と表示された",
        ("画面にERR_43と表示された", "画面にERRと42と表示された", "42 ERR"),
    ),
    Row(
        "\uff14\uff0e\uff12\uff08\uff42\uff09",
        "Section 4.2(b) Early termination by the customer",
        (
            "Section 2.4(b) Early termination by the supplier",
            "Section 4.2(a) Early termination of a service",
            "Part b of annex 4.2",
        ),
    ),
    Row(
        "192.168.0.1",
        "The router answers at 192.168.0.1 after a minute",
        (
            "The printer answers at 192.168.0.10 after a minute",
            "The phone answers at 192.168.1.0 after a minute",
            "168 lines, 192 columns, 0 errors, 1 warning",
        ),
    ),
    Row(
        "2024-03-15",
        "The minutes of 2024-03-15 were approved",
        (
            "The minutes of 2024-03-16 were approved",
            "The minutes of 2023-03-15 were approved",
            "15 of 2024 votes, 03 abstentions",
        ),
    ),
    Row(
        "2024-03",
        "The minutes of 2024-03-15 were approved",
        (
            "The minutes of 2024-04-15 were approved",
            "The minutes of 2023-03-15 were approved",
            "03 of 2024 votes",
        ),
    ),
    Row(
        "1000000",
        "The cap is $1,000,000 in any year",
        (
            "The cap is $1,000 in any year",
            "The cap is $10,000,000 in any year",
            "The cap is 1 or 000 000",
        ),
    ),
    Row(
        "src/index.ts",
        "The entry point is src/index.ts by default",
        (
            "The entry point is src/index.js by default",
            "The entry point is lib/index.ts by default",
            "ts index src",
        ),
    ),
    Row(
        "ISO 27001:2022",
        "Audits follow ISO 27001:2022 in full",
        (
            "Audits followed ISO 27001:2013 before",
            "Controls follow ISO 27002:2022 in full",
            "In 2022 ISO had 27001 members",
        ),
    ),
    Row(
        "covid19",
        "Vaccines against COVID-19 are offered",
        ("Vaccines against flu are offered", "Nineteen people had covid", "Room 19 is closed"),
    ),
    Row(
        "email",
        "Send an e-mail to the help desk",
        ("Send a letter to the help desk", "Mail is sorted by desk", "Room E is a desk"),
    ),
    Row(
        "USA",
        "Orders from the U.S.A. take a week",
        ("Orders from the U.K. take a week", "Usage is measured by the week", "U or S or A"),
    ),
    Row(
        "CO2",
        "CO\u2082 is measured in every room",
        ("CO is measured in every room", "O\u2082 is measured in every room", "2 CO"),
    ),
    Row(
        "東京都",
        "東京都の人口は増えている",
        ("京都の人口は減っている", "東の京と都の話", "東京の天気"),
    ),
    Row(
        "계약",
        "이 계약서를 두 부 작성한다",
        ("이 약속을 두 번 지킨다", "계산서를 두 부 작성한다", "약계를 조사한다"),
    ),
    Row(
        "ภาษาไทย",
        "เรียนภาษาไทยออนไลน์",
        ("เรียนภาษาลาวออนไลน์", "เรียนคณิตศาสตร์ออนไลน์", "ไทยรัฐ"),
    ),
    Row(
        "\U0001f680",
        "We launch \U0001f680 on Friday",
        ("We party \U0001f389 on Friday", "We rest \U0001f634 on Friday", "We launch on Friday"),
    ),
]

ROWS = FIRST + MORE
