"""What holds for any text: no exception, true spans, no password."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from repoint.formats.read import read_file
from repoint.sites.detect import detect, detect_sealed, detect_value

NAMES = st.sampled_from(
    (
        "a.yaml", "values.yaml", "kustomization.yaml", "docker-compose.yml", "m.json", "a.tf",
        ".env", "a.ini", "a.toml", "a.properties", "Makefile", "run.sh", "Dockerfile", "a.xml",
        "charts/a/templates/x.yaml", "charts/a/templates/_x.tpl", ".github/workflows/x.yml",
        ".pgpass", "Jenkinsfile", "pgbouncer.ini",
    )
)  # fmt: skip
FRAGMENTS = st.sampled_from(
    (
        "apiVersion: v1\n", "kind: Secret\n", "kind: ConfigMap\n", "data:\n", "stringData:\n",
        "  DB_HOST: pg\n", "  host: pg\n", "  port: 5432\n", "  u: postgres://a:canary-1@pg/x\n",
        "  u: \"host=pg password='canary-1' dbname=x\"\n", "command: [sh, -c, 'psql -h pg']\n",
        "- name: PGHOST\n  value: pg\n", "  x: |\n    pg_isready -h pg\n", "---\n", "{{ .x }}\n",
        "  k: cG9zdGdyZXM6Ly9hOmNhbmFyeS0xQHBnL3g=\n", "DB_HOST=pg\n", "export PGHOST='pg'\n",
        "\tpsql -hpg -c \"x\" \\\n", "<a url=\"jdbc:postgresql://pg/x\" password=\"canary-1\">\n",
        "[database]\n", "host = \"pg\"\n", "env \"x\" {\n", "}\n", "é\u2028😀\n", "\\", "\"", "'",
        "  j: '{\"database\": {\"host\": \"pg\", \"port\": 5432}}'\n", "$(A)", "${B:-pg}", "\r\n",
        "cat <<EOF > x\nDB_HOST=pg\nEOF\n", "- &a pg\n", "- *a\n", "op: add\npath: /data/DB_HOST\n",
        "FROM x\n", "CMD [\"psql\", \"-h\", \"pg\"]\n", "nc -z pg 5432\n",
        "exec 3<>/dev/tcp/pg/5432\n",
    )
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(FRAGMENTS, max_size=14).map("".join),
    st.lists(st.one_of(FRAGMENTS, st.text(max_size=12)), max_size=14).map("".join),
    st.text(max_size=200),
)


@given(NAMES, TEXTS)
@example("run.sh", "'  u: \"host=pg password='canary-1' dbname=x\"\n")
def test_any_text_gives_sites_whose_spans_are_true(name: str, text: str) -> None:
    raw = text.encode("utf-8", "replace")
    parsed = read_file(name, raw)
    sites = detect(parsed)

    assert sites == detect(parsed)
    assert len({site.id for site in sites if site.host.span}) <= len(sites)
    for site in sites:
        assert site.host.text
        assert 1 <= site.location.line <= raw.count(b"\n") + 1
        for part in (site.host, site.port, *(part for _, part in site.params)):
            if part is not None and part.span is not None:
                assert raw[part.span.start : part.span.end] == part.text.encode()
        assert "canary-" not in repr(site)


@given(TEXTS)
def test_a_decrypted_value_gives_sites_without_bytes(text: str) -> None:
    for site in detect_value("s.yaml", "/0/stringData/DB_HOST", 4, 3, "DB_HOST", text):
        assert site.sealed
        assert site.host.span is None
        assert site.location.line == 4


def test_a_sealed_host_finds_its_family() -> None:
    siblings = {"DB_PORT": "6432", "DB_NAME": "shop", "DB_PASSWORD": "canary-1"}
    (site,) = detect_value("s.yaml", "/0/stringData/DB_HOST", 4, 3, "DB_HOST", "pg", siblings)

    assert (site.host.text, site.database, site.value_pointer) == (
        "pg",
        "shop",
        "/0/stringData/DB_HOST",
    )
    assert site.port is not None
    assert site.port.text == "6432"
    assert "canary-" not in repr(site)


def test_a_sealed_base64_value_is_read_through() -> None:
    (site,) = detect_value(
        "s.yaml", "/0/data/dsn", 4, 3, "dsn", "cG9zdGdyZXM6Ly9hcHA6Y2FuYXJ5LTFAcGc6NTQzMi9zaG9w"
    )

    assert (site.host.text, site.encoded, site.user) == ("pg", "base64", "app")
    assert "canary-" not in repr(site)


def test_a_shared_anchor_cannot_be_edited_in_place() -> None:
    raw = b"services:\n  a: {environment: {DB_HOST: &h pg}}\n  b: {environment: {DB_HOST: *h}}\n"
    (site,) = detect(read_file("docker-compose.yml", raw))

    assert site.display_only == "the value is an anchor that aliases share"


def test_several_hosts_are_shown_to_a_person() -> None:
    raw = b"url=jdbc:postgresql://a:5432,b:5432/x\n"
    (site,) = detect(read_file("application.properties", raw))

    assert site.display_only == "the connection string names several hosts"


def test_parameters_are_kept_by_name_and_secrets_are_not() -> None:
    raw = b"U=postgres://a:canary-1@pg/x?sslmode=require&options=-csearch_path%3Dc&sslpassword=canary-2&passfile=canary-3\n"
    (site,) = detect(read_file(".env", raw))

    assert [name for name, _ in site.params] == ["sslmode", "options"]
    assert "canary-" not in repr(site)


def test_a_sealed_file_is_read_as_a_whole_and_placed_where_it_is_sealed() -> None:
    opened = b"""apiVersion: v1
kind: Secret
metadata: {name: s}
stringData:
  PGHOST: pg
  PGDATABASE: shop
  url: postgres://a:canary-1@pg2/x
"""
    sealed = b"# sealed\n" + opened.replace(b"PGHOST: pg", b"PGHOST: ENC[x]").replace(
        b"postgres://a:canary-1@pg2/x", b"ENC[y]"
    )
    host, url = detect_sealed(read_file("s.yaml", sealed), read_file("s.yaml", opened))

    assert (host.host.text, host.database, host.location.line) == ("pg", "shop", 6)
    assert (url.host.text, url.location.line, url.value_pointer) == ("pg2", 8, "/0/stringData/url")
    assert host.sealed
    assert host.host.span is None
    assert "canary-" not in repr((host, url))


def test_sites_of_one_script_are_ordered_by_their_place_in_it() -> None:
    raw = b"""spec:
  command: [sh, -c, "psql -h pg-a; U=postgres://x@pg-b/y psql -h pg-c"]
"""
    sites = detect(read_file("docker-compose.yml", raw))

    assert [site.host.text for site in sites] == ["pg-a", "pg-b", "pg-c"]
    assert len({site.value_pointer for site in sites}) == 1
    assert [site.start for site in sites] == sorted({site.start for site in sites})


def test_a_script_whose_only_word_is_itself_is_read_to_some_depth_and_no_further() -> None:
    parsed = read_file("charts/a/templates/x.yaml", b'{{\n""""""psql }}4')

    assert not detect(parsed)
