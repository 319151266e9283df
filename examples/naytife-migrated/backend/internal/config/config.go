// Package config reads the environment, nothing else.
package config

import (
	"errors"
	"log/slog"
	"os"
	"strconv"
)

// Config is what the API needs to start.
type Config struct {
	DatabaseURL  string
	DatabaseHost string // for the log only
	Addr         string
	LogLevel     slog.Level
	MaxConns     int32
}

// FromEnv fails when DATABASE_URL is missing; everything else has a default.
func FromEnv() (Config, error) {
	cfg := Config{
		DatabaseURL:  os.Getenv("DATABASE_URL"),
		DatabaseHost: os.Getenv("DATABASE_HOST"),
		Addr:         os.Getenv("HTTP_ADDR"),
		MaxConns:     10,
	}
	if cfg.DatabaseURL == "" {
		return cfg, errors.New("DATABASE_URL is not set")
	}
	if cfg.Addr == "" {
		cfg.Addr = ":8000"
	}
	if raw := os.Getenv("DB_MAX_CONNS"); raw != "" {
		n, err := strconv.ParseInt(raw, 10, 32)
		if err != nil {
			return cfg, err
		}
		cfg.MaxConns = int32(n)
	}
	if raw := os.Getenv("LOG_LEVEL"); raw != "" {
		if err := cfg.LogLevel.UnmarshalText([]byte(raw)); err != nil {
			return cfg, err
		}
	}
	return cfg, nil
}
