// SPDX-License-Identifier: MIT
// server PORT BACKEND_PORT: /hello, and /page/ID gathers twelve backends from BACKEND_PORT on.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const calls = 12

var deadline = time.Second

var hello = []byte("Hello, World!")

type answer struct {
	status int
	body   []byte
	err    error
}

func ask(ctx context.Context, client *http.Client, url string) answer {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{err: err}
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && !json.Valid(body) {
		body, err = json.Marshal(string(body))
	}
	return answer{response.StatusCode, body, err}
}

func gather(ctx context.Context, client *http.Client, backends [calls]string, id string) []byte {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var answers [calls]answer
	var all sync.WaitGroup
	for i := range answers {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			answers[i] = ask(ctx, client, backends[i]+id)
		}(i)
	}
	all.Wait()

	var out bytes.Buffer
	for i, a := range answers {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		out.WriteByte(separator)
		out.WriteString(`"c` + strconv.Itoa(i) + `":`)
		if a.err != nil {
			out.WriteString(`{"error":` + strconv.Quote(a.err.Error()) + `}`)
			continue
		}
		out.WriteString(`{"status":` + strconv.Itoa(a.status) + `,"body":`)
		out.Write(a.body)
		out.WriteByte('}')
	}
	out.WriteByte('}')
	return out.Bytes()
}

func send(w http.ResponseWriter, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

func main() {
	first, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	if ms, err := strconv.Atoi(os.Getenv("BENCH_DEADLINE_MS")); err == nil {
		deadline = time.Duration(ms) * time.Millisecond
	}
	var backends [calls]string
	for i := range backends {
		backends[i] = "http://127.0.0.1:" + strconv.Itoa(first+i) + "/answer/"
	}
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConns:        calls * 256,
		MaxIdleConnsPerHost: 256,
		MaxConnsPerHost:     256,
		DisableCompression:  true,
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) {
		send(w, "text/plain", hello)
	})
	mux.HandleFunc("/page/", func(w http.ResponseWriter, r *http.Request) {
		id := strings.TrimPrefix(r.URL.Path, "/page/")
		send(w, "application/json", gather(r.Context(), client, backends, id))
	})
	server := &http.Server{
		Addr:              "127.0.0.1:" + os.Args[1],
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       60 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}
