"""The script of a probe Job: splits a URL in `sh`, asks with `psql`, prints one line of JSON.

No password becomes an argument, a file or a word of the log: it goes from the container's own
variable into `PGPASSWORD` by the shell's own means. What does not look like a host or a port is
not given to `psql`, whose errors would repeat it.
"""

from __future__ import annotations

from repoint.verification.activity import SESSIONS_SQL
from repoint.verification.identity import MARK, MARK_OPTIONS

_ME = (
    "SELECT json_build_object('user', session_user::text, 'database', current_database()::text, "
    "'schema', current_schema()::text, 'path', current_setting('search_path'), "
    "'read_only', current_setting('transaction_read_only'), "
    "'recovery', pg_is_in_recovery()::text, "
    "'started', extract(epoch from pg_postmaster_start_time())::text, "
    "'cluster', current_setting('cluster_name'), "
    f"'mark', coalesce(current_setting('{MARK}', true), ''))"
)
_OTHERS = (
    "SELECT json_build_object('own', (SELECT count(client_addr) FROM pg_stat_activity "
    "WHERE pid = pg_backend_pid()), 'sessions', "
    f"coalesce((SELECT json_agg(json_build_array(a, b, c, d)) FROM ({SESSIONS_SQL}) "
    "AS s(a, b, c, d)), '[]'::json))"
)

# dash, bash and busybox take it; `printf` is built in there, so no process gets a word of it.
SCRIPT = rf"""
set -f
decode() {{
  rest=$1; out=
  while :; do
    case $rest in
      *%*)
        out=$out${{rest%%\%*}}; rest=${{rest#*\%}}
        case $rest in
          [0-9A-Fa-f][0-9A-Fa-f]*)
            tail=${{rest#??}}; hex=${{rest%"$tail"}}
            out=$out$(printf "\\$(printf %o "0x$hex")"); rest=$tail ;;
          *) out=$out% ;;
        esac ;;
      *) decoded=$out$rest; return ;;
    esac
  done
}}
quoted() {{ printf '%s' "$1" | tr '\n\t' '  ' | sed 's/[\\"]/\\&/g'; }}
has_at() {{ case $1 in *@*) return 0 ;; *) return 1 ;; esac }}
left=
parameter() {{
  decode "$2"
  case $1 in
    sslmode) PGSSLMODE=$decoded; export PGSSLMODE ;;
    sslrootcert) PGSSLROOTCERT=$decoded; export PGSSLROOTCERT ;;
    sslnegotiation) PGSSLNEGOTIATION=$decoded; export PGSSLNEGOTIATION ;;
    channel_binding) PGCHANNELBINDING=$decoded; export PGCHANNELBINDING ;;
    target_session_attrs) PGTARGETSESSIONATTRS=$decoded; export PGTARGETSESSIONATTRS ;;
    search_path|currentSchema)
      escaped=$(printf '%s' "$decoded" | sed 's/[\\ ]/\\&/g')
      PGOPTIONS="${{PGOPTIONS:+$PGOPTIONS }}-c search_path=$escaped"; export PGOPTIONS ;;
    options) PGOPTIONS="${{PGOPTIONS:+$PGOPTIONS }}$decoded"; export PGOPTIONS ;;
    user) PGUSER=$decoded ;;
    password) PGPASSWORD=$decoded ;;
    *) case $1 in *[!A-Za-z0-9_.-]*) ;; *) left="$left $1" ;; esac ;;
  esac
}}
if [ -n "${{REPOINT_URL:-}}" ]; then
  whole=${{REPOINT_URL#*://}}; query=
  case $whole in
    *\?*) query=${{whole#*\?}}; base=${{whole%%\?*}}
      if ! has_at "$base" && has_at "$whole"; then
        query=${{whole##*\?}}; base=${{whole%\?*}}
      fi ;;
    *) base=$whole ;;
  esac
  place=${{base##*@}}
  case $base in
    *@*) info=${{base%@*}}; decode "${{info%%:*}}"; PGUSER=$decoded
      case $info in *:*) decode "${{info#*:}}"; PGPASSWORD=$decoded ;; esac ;;
  esac
  hosts=${{place%%/*}}; first=${{hosts%%,*}}; PGHOST=${{first%%:*}}
  case $first in *:*) PGPORT=${{first##*:}} ;; esac
  case $place in */*) decode "${{place#*/}}"; PGDATABASE=$decoded ;; esac
  oldifs=$IFS; IFS='&'
  for pair in $query; do IFS=$oldifs; parameter "${{pair%%=*}}" "${{pair#*=}}"; IFS='&'; done
  IFS=$oldifs
fi
export PGHOST PGPORT="${{PGPORT:-5432}}" PGUSER PGPASSWORD PGDATABASE
export PGCONNECT_TIMEOUT="$REPOINT_TIMEOUT" PGAPPNAME="$REPOINT_RUN"
case $PGHOST in
  ''|*[!A-Za-z0-9.-]*) echo '{{"repoint": 1, "unreadable": "host"}}'; exit 0 ;;
esac
case $PGPORT in
  ''|*[!0-9]*) echo '{{"repoint": 1, "unreadable": "port"}}'; exit 0 ;;
esac
case ${{PGSSLMODE:-prefer}} in
  *[!a-z-]*) echo '{{"repoint": 1, "unreadable": "sslmode"}}'; exit 0 ;;
esac
# A pod's first command may be faster than its network.
ask() {{
  for pause in 1 2 4 0; do
    found=$(psql -X -A -t -q -w -c "$1" 2>&1) && {{ printf '%s' "$found"; return; }}
    case $found in
      *'could not translate host name'*|*'Connection refused'*) sleep $pause ;;
      *) break ;;
    esac
  done
  printf '{{"refused": "%s"}}' "$(quoted "$(printf '%s\n' "$found" | head -n 1)")"
}}
me=$(ask "$REPOINT_ME")
elsewhere() {{
  PGHOST=${{1%:*}} PGPORT=${{1##*:}} PGSSLMODE=prefer PGOPTIONS=$2
  unset PGSSLROOTCERT PGCHANNELBINDING PGSSLNEGOTIATION PGTARGETSESSIONATTRS
  export PGHOST PGPORT PGSSLMODE PGOPTIONS
}}
marked=$(PGOPTIONS='{MARK_OPTIONS}'; export PGOPTIONS; ask "$REPOINT_ME")
other=$(elsewhere "$REPOINT_OTHER" '{MARK_OPTIONS}'; ask "$REPOINT_ME")
primary=$(elsewhere "$REPOINT_PRIMARY" '{MARK_OPTIONS}'; ask "$REPOINT_ME")
source='{{}}'
if [ -n "$REPOINT_SOURCE" ]; then
  source=$(elsewhere "$REPOINT_SOURCE" ''; ask "$REPOINT_OTHERS")
fi
health=
if [ -n "$REPOINT_HEALTH_HOST" ]; then
  if command -v bash >/dev/null 2>&1; then
    health=$(bash -c 'exec 3<>"/dev/tcp/$1/$2" && printf "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n" \
      "$3" "$1" >&3 && read -r -t "$4" _ code _ <&3 && echo "$code" || echo 0' probe \
      "$REPOINT_HEALTH_HOST" "$REPOINT_HEALTH_PORT" "$REPOINT_HEALTH_PATH" "$REPOINT_TIMEOUT" \
      2>/dev/null)
  elif command -v curl >/dev/null 2>&1; then
    health=$(curl -s -o /dev/null -w '%{{http_code}}' --max-time "$REPOINT_TIMEOUT" \
      "http://$REPOINT_HEALTH_HOST:$REPOINT_HEALTH_PORT$REPOINT_HEALTH_PATH")
  fi
fi
case $health in *[!0-9]*) health= ;; esac
printf '{{"repoint": 1, "me": %s, "marked": %s, "other": %s, "primary": %s, "source": %s, ' \
  "$me" "$marked" "$other" "$primary" "$source"
printf '"left": "%s", "host": "%s", "health": "%s"}}\n' "${{left# }}" "$PGHOST" "$health"
"""

QUESTIONS = {"REPOINT_ME": _ME, "REPOINT_OTHERS": _OTHERS}
"""The variables that hold the SQL."""
