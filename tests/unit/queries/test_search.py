"""A person's text becomes a full-text query that holds nothing but words, whatever the text is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arete_queries.search import lucene_query

CLAUSE = re.compile(r"\((?P<word>\w+)\^4 OR (?P=word)\*\^2(?: OR (?P=word)~[12])?\)")


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Fur", "(fur^4 OR fur*^2)"),
        ("bear", "(bear^4 OR bear*^2 OR bear~1)"),
        ("ambulance", "(ambulance^4 OR ambulance*^2 OR ambulance~2)"),
        ("black bear", "(black^4 OR black*^2 OR black~1) AND (bear^4 OR bear*^2 OR bear~1)"),
        ("O'Hara", "(o^4 OR o*^2) AND (hara^4 OR hara*^2 OR hara~1)"),
        ("NOT cat", "(not^4 OR not*^2) AND (cat^4 OR cat*^2)"),
        ("*:* -()", ""),
        ("", ""),
    ],
)
def test_the_forms_of_each_word(text: str, query: str) -> None:
    assert lucene_query(text) == query


@given(st.text(max_size=200))
def test_no_text_is_syntax(text: str) -> None:
    query = lucene_query(text)
    assert len(query.split(" AND ")) <= 8
    for clause in query.split(" AND ") if query else []:
        match = CLAUSE.fullmatch(clause)
        assert match is not None, clause
        assert match["word"] not in ("AND", "OR", "NOT", "TO")


@given(st.text('+-&|!(){}[]^"~*?:\\/ \t\n', max_size=50))
def test_syntax_alone_is_no_question(text: str) -> None:
    assert lucene_query(text) == ""
