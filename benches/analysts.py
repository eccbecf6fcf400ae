"""Counts the calls of an export by trunk, type and both codes, as an analyst would: `analysts.py TOOL FORMAT THREADS FILE`.

Prints the seconds that this took, without those for starting Python and loading the library, then a line for each count.
"""

import os
import sys
import time

GRAPH = ["trunkFullyQualifiedDomainName", "callType", "callEndSubReason", "finalSipCode"]
ADMIN_CENTER = ["SBC FQDN", "Call type", "Final Microsoft subcode", "Final SIP code"]


def duckdb(columns, is_json, threads, path):
    import duckdb

    connection = duckdb.connect(config={"threads": threads})
    types = {column: "VARCHAR" for column in columns}
    if is_json:
        rows = f"read_json($path, format = 'newline_delimited', columns = {types})"
    else:
        rows = "read_csv($path, header = true, all_varchar = true)"
    names = ", ".join(f'"{column}"' for column in columns)
    query = f"SELECT {names}, count(*) FROM {rows} GROUP BY ALL"
    return lambda: connection.execute(query, {"path": path}).fetchall()


def polars(columns, is_json, threads, path):
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import polars

    def count():
        if is_json:
            types = [polars.String, polars.String, polars.Int64, polars.Int64]
            rows = polars.scan_ndjson(path, schema=dict(zip(columns, types)))
        else:
            rows = polars.scan_csv(path, infer_schema=False)
        return rows.group_by(columns).len().collect(engine="streaming").rows()

    return count


def clickhouse(columns, is_json, threads, path):
    import chdb

    types = ", ".join(f"`{column}` Nullable(String)" for column in columns)
    names = ", ".join(f"`{column}`" for column in columns)
    rows = f"file('{path}', '{'JSONEachRow' if is_json else 'CSVWithNames'}', '{types}')"
    query = f"SELECT {names}, count() FROM {rows} GROUP BY {names} SETTINGS max_threads = {threads}"

    def count():
        lines = str(chdb.query(query, "TabSeparated")).splitlines()
        return [[None if cell == r"\N" else cell for cell in line.split("\t")] for line in lines]

    return count


def main():
    tool, form, threads, path = sys.argv[1:]
    is_json = form == "graph"
    tools = {"DuckDB": duckdb, "Polars": polars, "ClickHouse": clickhouse}
    count = tools[tool](GRAPH if is_json else ADMIN_CENTER, is_json, int(threads), path)
    begin = time.perf_counter()
    counts = count()
    print(time.perf_counter() - begin)
    for row in counts:
        print(*("" if cell is None else cell for cell in row), sep="\t")


if __name__ == "__main__":
    main()
