"""Settings of a repository that a private server takes, and those that reach out of it."""

from __future__ import annotations

import pytest

from repoint.rehearsal.harmless import harmless_lines, is_harmless, may_be_set

REACHING = [
    "session_preload_libraries",
    "local_preload_libraries",
    "Shared_Preload_Libraries",
    "dynamic_library_path",
    "extension_control_path",
    "jit_provider",
    "oauth_validator_libraries",
    "archive_library",
    "archive_command",
    "restore_command",
    "recovery_end_command",
    "ssl_passphrase_command",
    "ssl_crl_dir",
    "ssl_key_file",
    "ssl_dh_params_file",
    "krb_server_keyfile",
    "data_directory",
    "stats_temp_directory",
    "unix_socket_directories",
    "include",
    "include_dir",
    "include_if_exists",
]
NO_NAMES = ["", "a b", "a'b", "a\nb", "foo = '1'\nport", "a.b.", "ä", "a#b", "1a", "work_mem\n"]
HARMLESS = [
    "search_path",
    "work_mem",
    "app.tenant",
    "auto_explain.log_min_duration",
    "statement_timeout",
    "default_tablespace",
    "TimeZone",
]


@pytest.mark.parametrize("name", REACHING)
def test_what_names_a_file_a_program_or_a_library_is_not_taken(name: str) -> None:
    assert not is_harmless(name)


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_name_is_not_taken(name: str) -> None:
    assert not is_harmless(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_what_stays_in_the_server_is_taken(name: str) -> None:
    assert is_harmless(name)


@pytest.mark.parametrize(
    "name",
    ["logfile", "pidfile", "auth_file", "unix_socket_dir", "%include x", "a\nlogfile", "conffile"],
)
def test_a_pooler_sets_no_file(name: str) -> None:
    assert not may_be_set(name)
    assert may_be_set("default_pool_size")


@pytest.mark.parametrize(
    "line",
    [
        "host all @/etc/passwd 0.0.0.0/0 md5",
        'host all "@/etc/passwd" 0.0.0.0/0 md5',
        "@include /etc/passwd",
        "include /etc/passwd",
        "include_dir '/etc'",
        "host all all 0.0.0.0/0 ldap ldapserver=evil",
        "host all all 0.0.0.0/0 pam",
    ],
)
def test_an_hba_line_opens_no_file_and_asks_nobody_elsewhere(line: str) -> None:
    assert harmless_lines([line]) == ()
    assert harmless_lines([f"host all all 10.0.0.0/8 md5\n{line}"]) == (
        "host all all 10.0.0.0/8 md5",
    )


def test_ordinary_hba_lines_stay() -> None:
    lines = ("hostssl app pam_user 10.0.0.0/8 scram-sha-256", "host all all 0.0.0.0/0 reject")

    assert harmless_lines(lines) == lines
