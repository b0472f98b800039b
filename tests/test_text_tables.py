from landmark_discovery.text_tables import aligned_table, markdown_table


def test_headings_a_rule_and_rows():
    assert markdown_table(("a", "b"), [("1", "2"), ["3", "4"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"


def test_a_table_without_rows_has_its_headings():
    assert markdown_table(("a",), []) == "| a |\n| --- |"


def test_what_would_break_a_row_does_not():
    lines = markdown_table(("x | y",), [("two\n  lines\tand | a bar",)]).splitlines()
    assert lines == ["| x &#124; y |", "| --- |", "| two lines and &#124; a bar |"]


def test_columns_of_a_terminal_are_as_wide_as_their_longest_cells():
    assert aligned_table([("a", "bb", "c"), ("111", "2", "")]) == "a    bb  c\n111  2"
