from landmark_discovery.markdown_tables import markdown_table


def test_headings_a_rule_and_rows():
    assert markdown_table(("a", "b"), [("1", "2"), ["3", "4"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"


def test_a_table_without_rows_has_its_headings():
    assert markdown_table(("a",), []) == "| a |\n| --- |"


def test_what_would_break_a_row_does_not():
    lines = markdown_table(("x | y",), [("two\n  lines\tand | a bar",)]).splitlines()
    assert lines == ["| x &#124; y |", "| --- |", "| two lines and &#124; a bar |"]
