"""What users do with the Python package influxdb: client.py HOST PORT. Prints ok."""
import sys

from influxdb import InfluxDBClient
from influxdb.exceptions import InfluxDBClientError


def check(got, expect):
    assert got == expect, "\n  got    %r\n  expect %r" % (got, expect)


def point(measurement, host, time, **fields):
    return {"measurement": measurement, "tags": {"host": host}, "time": time, "fields": fields}


def values(result, *keys):
    return [tuple(row[key] for key in keys) for row in result.get_points()]


def exercise(client, tells_floats=True):
    client.create_database("py")
    client.switch_database("py")
    assert {"name": "py"} in client.get_list_database()
    client.create_retention_policy("week", "7d", 1, "py", default=False)
    policies = {policy["name"]: policy for policy in client.get_list_retention_policies("py")}
    check((policies["week"]["duration"], policies["autogen"]["default"]), ("168h0m0s", True))

    points = [point("cpu", "a", 1, load=1.5, n=7, up=True, note='say "hi", ok\\'), point("mem", "b", 2, load=2.0)]
    assert client.write_points(points, time_precision="s")
    assert client.write_points([point("disk", "a", n, load=float(n)) for n in range(1000)], time_precision="ms", batch_size=100)
    assert client.write(["net,host=a load=4 5"], {"db": "py", "precision": "s"}, 204, "line")

    row = next(client.query("SELECT * FROM cpu").get_points())
    check((row["time"], row["load"], row["n"], row["up"], row["note"]), ("1970-01-01T00:00:01Z", 1.5, 7, True, 'say "hi", ok\\'))
    check(values(client.query("SELECT load FROM mem", epoch="s"), "time", "load"), [(2, 2.0)])
    several = client.query("SELECT load FROM cpu, mem, net WHERE host =~ /a|b/", epoch="s")
    check(sorted(key[0] for key in several.keys()), ["cpu", "mem", "net"])
    whole = next(several.get_points("mem"))["load"]
    check((whole, type(whole)), (2.0, float if tells_floats else int))
    check(values(client.query("SELECT count(load) FROM disk"), "count"), [(1000,)])
    first, second = client.query("SELECT load FROM cpu; SELECT load FROM net", epoch="s")
    check((values(first, "load"), values(second, "load")), ([(1.5,)], [(4.0,)]))
    bound = client.query("SELECT load FROM cpu WHERE host = $host", bind_params={"host": "a"}, epoch="s")
    check(values(bound, "load"), [(1.5,)])
    check(sorted(client.get_list_measurements(), key=str), [{"name": name} for name in ("cpu", "disk", "mem", "net")])

    client.query("SELECT load INTO copy FROM cpu")
    check(values(client.query("SELECT load FROM copy"), "load"), [(1.5,)])

    for statement in ("SELECT FROM", "SELECT load FROM nowhere..cpu", "KILL QUERY 1"):
        try:
            client.query(statement)
        except InfluxDBClientError as error:
            assert str(error), statement
        else:
            raise AssertionError("%s was answered" % statement)

    client.delete_series(measurement="cpu", tags={"host": "a"})
    check(list(client.query("SELECT load FROM cpu").get_points()), [])
    client.drop_database("py")
    assert {"name": "py"} not in client.get_list_database()


def read_chunks(client):
    """With JSON only: the package cannot read MessagePack in chunks, whoever sends it."""
    client.create_database("py")
    client.write_points([point("disk", "a", n, load=float(n)) for n in range(1000)], time_precision="ms", database="py")
    chunks = client.query("SELECT load FROM disk", chunked=True, chunk_size=300, database="py")
    check(sum(len(list(chunk.get_points())) for chunk in chunks), 1000)
    client.drop_database("py")


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    exercise(InfluxDBClient(host, port))
    exercise(InfluxDBClient(host, port, gzip=True))
    json = {"Accept": "application/json"}
    exercise(InfluxDBClient(host, port, headers=json), tells_floats=False)
    read_chunks(InfluxDBClient(host, port, headers=json))
    assert InfluxDBClient(host, port).ping()
    print("ok")


main()
