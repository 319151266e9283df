// What runs in the containers whose real programs cannot be had here; its name says which one.
//
//	hydra serve all | hydra migrate sql     keeps its tables in the schema of $DSN, as Ory Hydra does
//	atlas migrate apply | status            applies a folder of SQL files once, as Atlas does
//	postgres_exporter                       asks $DATA_SOURCE_* whether PostgreSQL is up
//	redis-server, redis-cli                 answers PING, and nothing else
//	writer                                  writes numbered rows and says which were acknowledged
//
// All of them reach PostgreSQL with pgx, which Hydra uses, too.
package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
)

const (
	patience  = 5 * time.Second
	lockClass = 5120327
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	programs := map[string]func(context.Context, []string) error{
		"hydra":             hydra,
		"atlas":             atlas,
		"postgres_exporter": exporter,
		"redis-server":      redisServer,
		"redis-cli":         redisCli,
		"writer":            writer,
	}
	run := programs[filepath.Base(os.Args[0])]
	if run == nil {
		fmt.Fprintln(os.Stderr, "error: no program is called", os.Args[0])
		os.Exit(2)
	}
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// serve answers until ctx is done; a second address serves the same.
func serve(ctx context.Context, handler http.Handler, addresses ...string) error {
	failed := make(chan error, len(addresses))
	for _, address := range addresses {
		server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: patience}
		go func() { failed <- server.ListenAndServe() }()
		defer server.Close()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// Hydra: its tables, and the health endpoints that look at them.

var hydraTables = []string{
	`CREATE TABLE IF NOT EXISTS schema_migration (version varchar(48) PRIMARY KEY)`,
	`CREATE TABLE IF NOT EXISTS hydra_client (
		id varchar(255) PRIMARY KEY, client_name text NOT NULL, created_at timestamptz NOT NULL DEFAULT now())`,
	`CREATE TABLE IF NOT EXISTS hydra_oauth2_flow (
		login_challenge varchar(40) PRIMARY KEY,
		client_id varchar(255) NOT NULL REFERENCES hydra_client (id), state integer NOT NULL)`,
	`INSERT INTO schema_migration VALUES ('20220210000001000000'), ('20240104181300000001')
		ON CONFLICT DO NOTHING`,
}

func hydra(ctx context.Context, args []string) error {
	db, err := sql.Open("pgx", os.Getenv("DSN"))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(4)
	switch {
	case len(args) >= 2 && args[0] == "migrate" && args[1] == "sql":
		for _, statement := range hydraTables {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		fmt.Println("Successfully applied migrations!")
		return nil
	case len(args) >= 2 && args[0] == "serve":
		return serveHydra(ctx, db)
	}
	return errors.New("usage: hydra serve all | hydra migrate sql")
}

func serveHydra(ctx context.Context, db *sql.DB) error {
	ready := func(ctx context.Context) error {
		var versions int
		err := db.QueryRowContext(ctx, "SELECT count(*) FROM schema_migration").Scan(&versions)
		if err == nil && versions == 0 {
			err = errors.New("migrations have not yet been fully applied")
		}
		return err
	}
	if err := ready(ctx); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health/alive", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, `{"status":"ok"}`)
	})
	mux.HandleFunc("GET /health/ready", func(w http.ResponseWriter, r *http.Request) {
		if err := ready(r.Context()); err != nil {
			http.Error(w, `{"errors":{"database":"not ready"}}`, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, `{"status":"ok"}`)
	})
	fmt.Println("Setting up http server on :4444 and :4445")
	return serve(ctx, mux, ":4444", ":4445")
}

// Atlas: a table of revisions, a lock of the session, one transaction for each file.

func atlas(ctx context.Context, args []string) error {
	if len(args) < 2 || args[0] != "migrate" || (args[1] != "apply" && args[1] != "status") {
		return errors.New("usage: atlas migrate apply|status --url URL --dir URL --revisions-schema NAME")
	}
	flags := map[string]string{"--revisions-schema": "public"}
	for at := 2; at+1 < len(args); at += 2 {
		flags[args[at]] = args[at+1]
	}
	conn, err := pgx.Connect(ctx, flags["--url"])
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	table := pgx.Identifier{flags["--revisions-schema"], "atlas_schema_revisions"}.Sanitize()
	files, err := filepath.Glob(filepath.Join(strings.TrimPrefix(flags["--dir"], "file://"), "*.sql"))
	if err != nil {
		return err
	}
	sort.Strings(files)
	if args[1] == "status" {
		return atlasStatus(ctx, conn, table, len(files))
	}
	return atlasApply(ctx, conn, table, files)
}

func atlasApply(ctx context.Context, conn *pgx.Conn, table string, files []string) error {
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", lockClass); err != nil {
		return err
	}
	defer conn.Exec(context.Background(), "SELECT pg_advisory_unlock($1)", lockClass)
	_, err := conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+table+
		" (version varchar PRIMARY KEY, description varchar NOT NULL, executed_at timestamptz NOT NULL)")
	if err != nil {
		return err
	}
	applied := 0
	for _, file := range files {
		version, description, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".sql"), "_")
		done, err := applyFile(ctx, conn, table, file, version, description)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		if done {
			fmt.Println("  -- migrating version", version)
			applied++
		}
	}
	fmt.Printf("Migration complete: %d of %d files applied\n", applied, len(files))
	return nil
}

func applyFile(
	ctx context.Context, conn *pgx.Conn, table, file, version, description string,
) (bool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return false, err
	}
	defer tx.Rollback(context.Background())
	tag, err := tx.Exec(ctx, "INSERT INTO "+table+" VALUES ($1, $2, now()) ON CONFLICT DO NOTHING",
		version, description)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	if _, err := tx.Exec(ctx, string(text)); err != nil {
		return false, err
	}
	return true, tx.Commit(ctx)
}

func atlasStatus(ctx context.Context, conn *pgx.Conn, table string, files int) error {
	var applied int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&applied); err != nil {
		return err
	}
	status := "OK"
	if applied != files {
		status = "PENDING"
	}
	fmt.Printf("Migration Status: %s\n  -- Executed Files: %d of %d\n", status, applied, files)
	return nil
}

// The exporter of metrics: one new connection for each look, as a consumer of the database.

func exporter(ctx context.Context, _ []string) error {
	place, query, _ := strings.Cut(os.Getenv("DATA_SOURCE_URI"), "?")
	user := url.UserPassword(os.Getenv("DATA_SOURCE_USER"), os.Getenv("DATA_SOURCE_PASS"))
	dsn := fmt.Sprintf("postgresql://%s@%s?%s", user, place, query)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		up := 0
		conn, err := pgx.Connect(r.Context(), dsn)
		if err == nil {
			defer conn.Close(context.Background())
			err = conn.QueryRow(r.Context(), "SELECT 1").Scan(&up)
		}
		if err != nil {
			fmt.Println("error:", err)
		}
		fmt.Fprintf(w, "# TYPE pg_up gauge\npg_up %d\n", up)
	})
	return serve(ctx, mux, ":9187")
}

// Redis: enough for a wait loop and a probe. The example's backend does not use it.

func redisServer(ctx context.Context, _ []string) error {
	listener, err := net.Listen("tcp", ":6379")
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	for {
		conn, err := listener.Accept()
		if err != nil {
			return nil
		}
		go func() {
			defer conn.Close()
			lines := bufio.NewScanner(conn)
			for lines.Scan() {
				if strings.EqualFold(strings.TrimSpace(lines.Text()), "PING") {
					io.WriteString(conn, "+PONG\r\n")
				} else {
					io.WriteString(conn, "-ERR unknown command\r\n")
				}
			}
		}()
	}
}

func redisCli(ctx context.Context, args []string) error {
	host, port := "127.0.0.1", "6379"
	for len(args) >= 2 && strings.HasPrefix(args[0], "-") {
		if args[0] == "-h" {
			host = args[1]
		} else if args[0] == "-p" {
			port = args[1]
		}
		args = args[2:]
	}
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return fmt.Errorf("could not connect to Redis: %w", err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s\r\n", strings.Join(args, " "))
	answer, err := bufio.NewReader(conn).ReadString('\n')
	fmt.Println(strings.TrimLeft(strings.TrimSpace(answer), "+-"))
	return err
}

// The writer: every number is tried once. `ack` means that the row was committed; `error` that
// nobody knows, so it may be there or not; a number without a line was never sent.

func writer(ctx context.Context, _ []string) error {
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	config.MaxConns = 2
	every, err := time.ParseDuration(os.Getenv("WRITE_EVERY"))
	if err != nil {
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := pool.Ping(ctx); err != nil {
		return err
	}
	name := fmt.Sprintf("%s.%d", os.Getenv("HOSTNAME"), time.Now().UnixNano())
	ended := make(chan struct{})
	go func() {
		writeOn(ctx, pool, name, every)
		close(ended)
	}()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	err = serve(ctx, mux, ":8080")
	if err == nil {
		<-ended
	}
	return err
}

func writeOn(ctx context.Context, pool *pgxpool.Pool, name string, every time.Duration) {
	for number := 1; ctx.Err() == nil; number++ {
		// One that is under way when the pod has to go is waited for.
		once, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		_, err := pool.Exec(once, "INSERT INTO receipts (writer, number) VALUES ($1, $2)", name, number)
		if err != nil {
			fmt.Println("error", name, number, reason(err))
		} else {
			fmt.Println("ack", name, number)
		}
		var rows int64
		if err := pool.QueryRow(once, "SELECT count(*) FROM receipts").Scan(&rows); err != nil {
			fmt.Println("unread", name, number, reason(err))
		} else {
			fmt.Println("read", name, number, rows)
		}
		cancel()
		select {
		case <-ctx.Done():
		case <-time.After(every):
		}
	}
}

// reason is a SQLSTATE where the server gave one.
func reason(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return strings.ReplaceAll(err.Error(), "\n", " ")
}
