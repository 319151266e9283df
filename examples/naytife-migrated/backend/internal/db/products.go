package db

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Product is one row of a shop's catalogue.
type Product struct {
	ID         int64  `json:"id" db:"id"`
	Title      string `json:"title" db:"title"`
	PriceCents int64  `json:"price_cents" db:"price_cents"`
}

// Products lists what the tenant of ctx sells: there is no WHERE for the
// tenant, row-level security is the filter.
func Products(ctx context.Context, pool *pgxpool.Pool) ([]Product, error) {
	rows, err := pool.Query(ctx, `
		SELECT id, title, price_cents
		FROM products
		WHERE archived_at IS NULL
		ORDER BY title`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Product])
}
