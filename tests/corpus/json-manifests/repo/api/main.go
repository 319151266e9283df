package main

import "database/sql"

func open() (*sql.DB, error) {
	return sql.Open("pgx", "postgres://gallery@10.30.4.7:5432/gallery")
}
