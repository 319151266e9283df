// What CloudNativePG's own code makes of a Pooler, for tests that hold repoint's against it.
//
//	cnpg ini < INPUT              the files that a Pooler's pod writes for PgBouncer
//	cnpg metrics LISTEN CONSOLE   cnpg_pgbouncer_* of a PgBouncer, at http://LISTEN/metrics
//
// INPUT is JSON: {"pooler": a Pooler, "secrets": {"authQuery", "serverTLS", "clientTLS",
// "clientCA", "serverCA": Secrets}}; the answer is {"files": {path: text}} or {"error": text}.
// CONSOLE is a libpq connection string without a database, such as "host=/run port=6432
// user=pgbouncer sslmode=disable".
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"time"
	"unsafe"

	apiv1 "github.com/cloudnative-pg/cloudnative-pg/api/v1"
	"github.com/cloudnative-pg/cloudnative-pg/pkg/management/pgbouncer/config"
	"github.com/cloudnative-pg/cloudnative-pg/pkg/management/pgbouncer/metricsserver"
	"github.com/cloudnative-pg/cloudnative-pg/pkg/management/postgres/pool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	corev1 "k8s.io/api/core/v1"
)

type input struct {
	Pooler  apiv1.Pooler `json:"pooler"`
	Secrets struct {
		AuthQuery *corev1.Secret `json:"authQuery"`
		ServerTLS *corev1.Secret `json:"serverTLS"`
		ClientTLS *corev1.Secret `json:"clientTLS"`
		ClientCA  *corev1.Secret `json:"clientCA"`
		ServerCA  *corev1.Secret `json:"serverCA"`
	} `json:"secrets"`
}

type answer struct {
	Files map[string]string `json:"files,omitempty"`
	Error string            `json:"error,omitempty"`
}

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "ini":
		err = answerAll()
	case len(os.Args) == 4 && os.Args[1] == "metrics":
		err = serveMetrics(os.Args[2], os.Args[3])
	default:
		err = fmt.Errorf("usage: cnpg ini | cnpg metrics LISTEN CONSOLE")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// answerAll reads one JSON document after another and answers each with a line.
func answerAll() error {
	decoder := json.NewDecoder(bufio.NewReader(os.Stdin))
	decoder.DisallowUnknownFields()
	encoder := json.NewEncoder(os.Stdout)
	for decoder.More() {
		var given input
		if err := decoder.Decode(&given); err != nil {
			return err
		}
		if err := encoder.Encode(filesOf(&given)); err != nil {
			return err
		}
	}
	return nil
}

func filesOf(given *input) answer {
	found, err := config.BuildConfigurationFiles(&given.Pooler, &config.Secrets{
		AuthQuery: given.Secrets.AuthQuery,
		ServerTLS: given.Secrets.ServerTLS,
		ClientTLS: given.Secrets.ClientTLS,
		ClientCA:  given.Secrets.ClientCA,
		ServerCA:  given.Secrets.ServerCA,
	})
	if err != nil {
		return answer{Error: err.Error()}
	}
	files := make(map[string]string, len(found))
	for path, text := range found {
		files[path] = string(text)
	}
	return answer{Files: files}
}

// serveMetrics serves what the exporter of a Pooler's pod collects.
//
// That exporter knows one address only, the socket in the pod; its pool of connections has no
// setter, so it is put there before its first use. Everything else is the exporter's own.
func serveMetrics(listen, console string) error {
	exporter := metricsserver.NewExporter(context.Background())
	var connections pool.Pooler = pool.NewPgbouncerConnectionPool(console)
	field := reflect.ValueOf(exporter).Elem().FieldByName("pool")
	if !field.IsValid() || field.Type() != reflect.TypeOf(&connections).Elem() {
		return fmt.Errorf("this version's exporter keeps its connections elsewhere")
	}
	reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().
		Set(reflect.ValueOf(connections))
	registry := prometheus.NewRegistry()
	if err := registry.Register(exporter); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	server := &http.Server{Addr: listen, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}
