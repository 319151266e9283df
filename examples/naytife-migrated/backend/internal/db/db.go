// Package db is the only code that talks to PostgreSQL.
package db

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type tenantKey struct{}

// WithTenant says on whose behalf the queries made with ctx run.
func WithTenant(ctx context.Context, tenant string) context.Context {
	return context.WithValue(ctx, tenantKey{}, tenant)
}

// Open connects, and ties every connection to the tenant of the context that
// acquires it. The policies in migrations/ read app.current_tenant.
func Open(ctx context.Context, url string, maxConns int32) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	cfg.MaxConns = maxConns
	cfg.BeforeAcquire = setTenant
	cfg.AfterRelease = clearTenant

	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// setTenant keeps the value for the session (third argument false), a request
// may run more than one transaction.
func setTenant(ctx context.Context, conn *pgx.Conn) bool {
	tenant, _ := ctx.Value(tenantKey{}).(string)
	_, err := conn.Exec(ctx, "SELECT set_config('app.current_tenant', $1, false)", tenant)
	return err == nil
}

func clearTenant(conn *pgx.Conn) bool {
	_, err := conn.Exec(context.Background(), "SET app.current_tenant = ''")
	return err == nil
}
