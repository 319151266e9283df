// Package httpapi has the routes.
package httpapi

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/naytife/naytife/backend/internal/db"
)

// New returns the API's handler.
func New(pool *pgxpool.Pool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		if err := pool.Ping(r.Context()); err != nil {
			http.Error(w, "database", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /products", func(w http.ResponseWriter, r *http.Request) {
		tenant := r.Header.Get("X-Tenant") // set by the gateway after login
		if tenant == "" {
			http.Error(w, "no tenant", http.StatusUnauthorized)
			return
		}
		products, err := db.Products(db.WithTenant(r.Context(), tenant), pool)
		if err != nil {
			slog.Error("products", "error", err)
			http.Error(w, "internal", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(products)
	})
	return mux
}
