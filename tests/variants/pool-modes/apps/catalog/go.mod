module example.com/shop/catalog

go 1.24

require github.com/jackc/pgx/v5 v5.9.2
