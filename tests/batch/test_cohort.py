"""The dataset of all clients, opened by those who read it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from skinprogress.batch.cohort import mend_cohort, remove_from_cohort, write_cohort
from skinprogress.records import ClientResult

TABLES = ("measurements", "changes", "photos", "comparisons", "findings")
HARD_NAMES = [
    "2026/Anna", "Jörg Ö.", "日本 太郎", "a=b", "50%", "%41", "A", "a+b c", "O'Neil \"x\"", "-1", "null", "a\\b", "..",
    "x\ny", "__HIVE_DEFAULT_PARTITION_", "Jo\u0308rg",
]  # fmt: skip


@pytest.fixture(scope="module")
def result(fake_result: Callable[..., ClientResult], tmp_path_factory: pytest.TempPathFactory) -> ClientResult:
    return fake_result(2, folder=tmp_path_factory.mktemp("client"), metrics=("redness",), regions=("face",))


def _names_read(out: Path, table: str = "findings") -> list[set[object]]:
    """The clients that pandas, pyarrow and DuckDB find."""
    folder = out / "cohort" / table
    found = duckdb.sql(
        f"SELECT DISTINCT client FROM read_parquet('{folder}/*/*.parquet', hive_partitioning = true)"
    ).fetchall()
    return [
        set(pd.read_parquet(folder)["client"]),
        set(ds.dataset(folder, partitioning="hive").to_table()["client"].to_pylist()),
        {name for (name,) in found},
    ]


@pytest.mark.parametrize("names", [["0042", "12"], ["7"], ["2026-03-14", "2026-03-15"], HARD_NAMES])
def test_every_reader_finds_every_name_as_it_is(result: ClientResult, tmp_path: Path, names: list[str]) -> None:
    for name in names:
        write_cohort(result, tmp_path, label=name)
    assert _names_read(tmp_path) == [set(names)] * 3


def test_tables_hold_what_the_client_s_own_hold(result: ClientResult, tmp_path: Path) -> None:
    written = write_cohort(result, tmp_path, label="0042")
    assert [path.parent.parent.name for path in written] == list(TABLES)
    for path in written:
        name = path.parent.parent.name
        table = pq.read_table(path, partitioning=None)
        assert table.num_rows == len(getattr(result, name)) > 0
        assert "client" not in table.column_names
    changes = pd.read_parquet(tmp_path / "cohort" / "changes").astype({"client": str})
    assert set(changes["client"]) == {"0042"}
    assert changes["difference"].tolist() == pytest.approx([c.difference for c in result.changes], nan_ok=True)


def test_files_are_the_same_every_time_and_with_one_schema(result: ClientResult, tmp_path: Path) -> None:
    first = [(path, path.read_bytes()) for path in write_cohort(result, tmp_path, label="a")]
    assert [(path, path.read_bytes()) for path in write_cohort(result, tmp_path, label="a")] == first
    for table in TABLES:
        schemas = [pq.read_schema(path) for path in (tmp_path / "cohort" / table).glob("*/*.parquet")]
        assert len(schemas) == 2 and schemas[0].equals(schemas[1], check_metadata=True)


def test_long_names_fit_and_are_told_apart(result: ClientResult, tmp_path: Path) -> None:
    names = ["ö " * 150 + end for end in "ab"] + ["__HIVE_DEFAULT_PARTITION__"]
    folders = {write_cohort(result, tmp_path, label=name)[0].parent.name for name in names}
    assert len(folders) == 3
    assert max(len(folder.encode()) for folder in folders) <= 255
    for found in _names_read(tmp_path):
        assert len(found) == 3
        assert all("�" not in str(name) and "~" in str(name) for name in found)


REDNESS_OF_THE_CHEEKS = """
WITH last AS (
  SELECT client, view, arg_max(to_session, days_between) AS to_session
  FROM read_parquet('OUT/cohort/comparisons/*/*.parquet', hive_partitioning = true)
  WHERE against = 'baseline' AND view = 'front'
  GROUP BY ALL
)
SELECT client, region, from_session, to_session, difference, ci_low, ci_high, unit, verdict, grade
FROM read_parquet('OUT/cohort/changes/*/*.parquet', hive_partitioning = true)
JOIN last USING (client, view, to_session)
WHERE against = 'baseline' AND metric = 'redness' AND region IN ('cheek_left', 'cheek_right')
  AND verdict <> 'not comparable'
ORDER BY difference
"""


def test_a_question_about_all_clients_is_answered(fake_result: Callable[..., ClientResult], tmp_path: Path) -> None:
    results = {
        name: fake_result(4, seed=seed, folder=tmp_path / name, metrics=("redness",), regions=("cheek_left", "nose"))
        for seed, name in enumerate(("0042", "12", "77"))
    }
    results["12"] = dataclasses.replace(
        results["12"], changes=[dataclasses.replace(c, verdict="not comparable") for c in results["12"].changes]
    )
    for name, result in results.items():
        write_cohort(result, tmp_path, label=name)
    wanted = [
        (name, c.difference)
        for name, result in results.items()
        for c in result.changes
        if (c.against, c.region, c.view, c.to_session) == ("baseline", "cheek_left", "front", result.sessions[-1])
        and c.verdict != "not comparable"
    ]
    assert {name for name, _ in wanted} == {"0042", "77"}
    found = duckdb.sql(REDNESS_OF_THE_CHEEKS.replace("OUT", str(tmp_path))).fetchall()
    assert [(row[0], row[4]) for row in found] == sorted(wanted, key=lambda pair: pair[1])


def test_a_client_is_taken_out_whole(result: ClientResult, tmp_path: Path) -> None:
    write_cohort(result, tmp_path, label="12")
    gone = write_cohort(result, tmp_path, label="0042")
    (gone[0].parent / ".0a1b.tmp").touch()
    assert set(gone) < set(remove_from_cohort(tmp_path, "0042"))
    assert not any(path.parent.exists() for path in gone)
    assert _names_read(tmp_path) == [{"12"}] * 3
    assert remove_from_cohort(tmp_path, "0042") == []


def test_the_folder_without_a_client_is_mended_where_it_is_lost_or_cut_short(
    result: ClientResult, tmp_path: Path
) -> None:
    mend_cohort(tmp_path)
    assert not (tmp_path / "cohort").exists()
    write_cohort(result, tmp_path, label="0042")
    lost, cut = (tmp_path / "cohort" / table / "client=%2F" / "part-0.parquet" for table in ("changes", "findings"))
    whole = lost.read_bytes(), cut.read_bytes()
    lost.unlink()
    cut.write_bytes(whole[1][:-9])
    mend_cohort(tmp_path)
    assert (lost.read_bytes(), cut.read_bytes()) == whole
