// The Go drivers, driven by JSON lines: a request on stdin, its answer on stdout.
// The requests are those of tests/servers/drivers/programs.py; a password comes in a request only.
package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"
)

type request struct {
	Do         string            `json:"do"`
	Driver     string            `json:"driver"`
	As         string            `json:"as"`
	DSN        string            `json:"dsn"`
	Env        map[string]string `json:"env"`
	SQL        string            `json:"sql"`
	Args       []any             `json:"args"`
	Style      string            `json:"style"`
	Statements []string          `json:"statements"`
	Offsets    []*int64          `json:"offsets"`
	Firsts     []int64           `json:"firsts"`
	Rounds     int64             `json:"rounds"`
	App        string            `json:"app"`
	Folder     string            `json:"folder"`
}

// A session is one connection of one driver.
type session interface {
	run(ctx context.Context, text, style string, args []any) ([][]any, error)
	close(ctx context.Context)
}

type pgxSession struct{ conn *pgx.Conn }

func (s pgxSession) run(ctx context.Context, text, _ string, args []any) ([][]any, error) {
	rows, err := s.conn.Query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
}

func (s pgxSession) close(ctx context.Context) { s.conn.Close(ctx) }

type poolSession struct{ pool *pgxpool.Pool }

func (s poolSession) run(ctx context.Context, text, _ string, args []any) ([][]any, error) {
	rows, err := s.pool.Query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
}

func (s poolSession) close(context.Context) { s.pool.Close() }

// database/sql with one connection; "prepared" keeps a statement object for each text.
type sqlSession struct {
	db       *sql.DB
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

func (s sqlSession) run(ctx context.Context, text, style string, args []any) ([][]any, error) {
	var rows *sql.Rows
	var err error
	if style == "prepared" {
		if s.prepared[text] == nil {
			if s.prepared[text], err = s.conn.PrepareContext(ctx, text); err != nil {
				return nil, err
			}
		}
		rows, err = s.prepared[text].QueryContext(ctx, args...)
	} else {
		rows, err = s.conn.QueryContext(ctx, text, args...)
	}
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var found [][]any
	for rows.Next() {
		row := make([]any, len(names))
		to := make([]any, len(names))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, rows.Err()
}

func (s sqlSession) close(context.Context) {
	s.conn.Close()
	s.db.Close()
}

func open(ctx context.Context, driver, dsn string) (session, error) {
	switch driver {
	case "pgx":
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return nil, err
		}
		return pgxSession{conn}, nil
	case "pgxpool":
		pool, err := pgxpool.New(ctx, dsn)
		if err != nil {
			return nil, err
		}
		if err := pool.Ping(ctx); err != nil {
			pool.Close()
			return nil, err
		}
		return poolSession{pool}, nil
	}
	name := map[string]string{"pgx-stdlib": "pgx", "lib/pq": "postgres"}[driver]
	db, err := sql.Open(name, dsn)
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		db.Close()
		return nil, err
	}
	return sqlSession{db, conn, map[string]*sql.Stmt{}}, nil
}

func stress(asked request) map[string]any {
	var lock sync.Mutex
	var all sync.WaitGroup
	right, wrong, failed := 0, 0, map[string]int{}
	count := func(word string) {
		lock.Lock()
		defer lock.Unlock()
		switch word {
		case "right":
			right++
		case "wrong":
			wrong++
		default:
			failed[word]++
		}
	}
	for number := range asked.Offsets {
		all.Add(1)
		go func() {
			defer all.Done()
			ctx := context.Background()
			made, err := open(ctx, asked.Driver, asked.DSN)
			if err != nil {
				count(err.Error())
				return
			}
			defer made.close(ctx)
			first := asked.Firsts[number]
			for k := first; k < first+asked.Rounds; k++ {
				rows, err := made.run(ctx, asked.Statements[number], asked.Style, []any{k})
				count(judge(rows, err, k, asked.Offsets[number]))
			}
		}()
	}
	all.Wait()
	return map[string]any{"right": right, "wrong": wrong, "errors": failed}
}

func judge(rows [][]any, err error, k int64, offset *int64) string {
	if err != nil {
		return err.Error()
	}
	if offset == nil {
		return "right"
	}
	if len(rows) == 1 && fmt.Sprint(rows[0][0]) == fmt.Sprint(k+*offset) {
		return "right"
	}
	return "wrong"
}

func said(err error) map[string]any {
	code := ""
	var pgxError *pgconn.PgError
	var pqError *pq.Error
	if errors.As(err, &pgxError) {
		code = pgxError.Code
	} else if errors.As(err, &pqError) {
		code = string(pqError.Code)
	}
	return map[string]any{"error": strings.Join(strings.Fields(err.Error()), " "), "code": code}
}

func text(rows [][]any) [][]any {
	written := [][]any{}
	for _, row := range rows {
		made := []any{}
		for _, value := range row {
			switch value := value.(type) {
			case nil:
				made = append(made, nil)
			case []byte:
				made = append(made, string(value))
			default:
				made = append(made, fmt.Sprint(value))
			}
		}
		written = append(written, made)
	}
	return written
}

var sessions = map[string]session{}

func answer(asked request) (map[string]any, error) {
	ctx, done := context.WithTimeout(context.Background(), 15*time.Second)
	defer done()
	for i, value := range asked.Args {
		if number, ok := value.(float64); ok {
			asked.Args[i] = int64(number)
		}
	}
	switch asked.Do {
	case "versions":
		return versions(), nil
	case "open":
		for name, value := range asked.Env {
			os.Setenv(name, value)
			defer os.Unsetenv(name)
		}
		made, err := open(ctx, asked.Driver, asked.DSN)
		if err != nil {
			return nil, err
		}
		sessions[asked.As] = made
		return map[string]any{}, nil
	case "run":
		rows, err := sessions[asked.As].run(ctx, asked.SQL, asked.Style, asked.Args)
		if err != nil {
			return nil, err
		}
		return map[string]any{"rows": text(rows)}, nil
	case "close":
		sessions[asked.As].close(ctx)
		delete(sessions, asked.As)
		return map[string]any{}, nil
	case "stress":
		return stress(asked), nil
	}
	return migrate(asked)
}

func versions() map[string]any {
	found := map[string]any{}
	names := map[string]string{"github.com/jackc/pgx/v5": "pgx", "github.com/lib/pq": "lib/pq"}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if name := names[module.Path]; name != "" {
				found[name] = strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	found["pgx-stdlib"], found["pgxpool"] = found["pgx"], found["pgx"]
	return found
}

func main() {
	replies := os.Stdout
	os.Stdout = os.Stderr
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var asked request
		reply, err := map[string]any{}, json.Unmarshal(lines.Bytes(), &asked)
		if err == nil {
			reply, err = answer(asked)
		}
		if err != nil {
			reply = said(err)
		}
		encoded, _ := json.Marshal(reply)
		fmt.Fprintln(replies, string(encoded))
	}
}
