package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	migrations "github.com/golang-migrate/migrate/v4"
	_ "github.com/golang-migrate/migrate/v4/database/postgres"
	_ "github.com/golang-migrate/migrate/v4/source/file"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// migrate runs a migrator's library on the SQL files of a folder, once.
func migrate(asked request) (map[string]any, error) {
	switch asked.App {
	case "golang-migrate":
		runner, err := migrations.New("file://"+asked.Folder, asked.DSN)
		if err != nil {
			return nil, err
		}
		defer runner.Close()
		if err := runner.Up(); err != nil && !errors.Is(err, migrations.ErrNoChange) {
			return nil, err
		}
		return map[string]any{}, nil
	case "goose":
		db, err := sql.Open("pgx", asked.DSN)
		if err != nil {
			return nil, err
		}
		defer db.Close()
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 2), lock.WithUnlockTimeout(1, 2))
		if err != nil {
			return nil, err
		}
		runner, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS(asked.Folder),
			goose.WithSessionLocker(locker))
		if err != nil {
			return nil, err
		}
		_, err = runner.Up(context.Background())
		return map[string]any{}, err
	}
	return nil, fmt.Errorf("no such request: %s %s", asked.Do, asked.App)
}
