package main

import (
	"context"
	"os"

	"github.com/jackc/pgx/v5"
)

func main() {
	connection, err := pgx.Connect(context.Background(), os.Getenv("DATABASE_URL"))
	if err != nil {
		panic(err)
	}
	connection.QueryRow(context.Background(), "SELECT count(*) FROM goods")
}
