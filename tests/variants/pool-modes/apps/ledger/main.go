package main

import (
	"database/sql"
	"os"

	_ "github.com/lib/pq"
)

func main() {
	db, err := sql.Open("postgres", os.Getenv("DATABASE_URL"))
	if err != nil {
		panic(err)
	}
	db.QueryRow("SELECT total FROM accounts WHERE id = $1", 7)
}
