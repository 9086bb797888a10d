// SPDX-License-Identifier: MIT
// client URL: Go's net/http with its defaults against a server that has /hello and POST /hash; prints "ok" at the end.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"strings"
	"sync"
)

func check(good bool, format string, args ...any) {
	if !good {
		fmt.Printf(format+"\n", args...)
		os.Exit(1)
	}
}

func ask(method, url string, body io.Reader) (int, []byte, http.Header) {
	request, err := http.NewRequest(method, url, body)
	check(err == nil, "%v", err)
	answer, err := http.DefaultClient.Do(request)
	check(err == nil, "%s %s: %v", method, url, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	check(err == nil, "%s %s: %v", method, url, err)
	return answer.StatusCode, text, answer.Trailer
}

// Hides the length of a body, so that it is sent in chunks.
type unknown struct{ io.Reader }

func main() {
	base := os.Args[1]
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	sum := sha256.Sum256(large)
	for i := 0; i < 2; i++ {
		status, text, _ := ask("GET", base+"/hello", nil)
		check(status == 200 && string(text) == "hello", "%d %q", status, text)
		for _, body := range []io.Reader{bytes.NewReader(large), unknown{bytes.NewReader(large)}} {
			status, text, _ = ask("POST", base+"/hash", body)
			check(status == 200 && string(text) == hex.EncodeToString(sum[:]), "%d %q", status, text)
		}
	}
	status, text, _ := ask("HEAD", base+"/hello", nil)
	check(status == 200 && len(text) == 0, "HEAD: %d %q", status, text)
	_, text, trailer := ask("GET", base+"/trailer", nil)
	check(string(text) == "body" && trailer.Get("X-Sum") == "4", "%q %v", text, trailer)

	var others sync.WaitGroup // a hundred at once
	for i := 0; i < 100; i++ {
		others.Add(1)
		go func() {
			defer others.Done()
			status, text, _ := ask("POST", base+"/hash", strings.NewReader("abc"))
			check(status == 200 && len(text) == 64, "%d %q", status, text)
		}()
	}
	others.Wait()

	hints := 0 // informational answers
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error { hints += code; return nil }}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), "GET", base+"/hinted", nil)
	check(err == nil, "%v", err)
	answer, err := http.DefaultClient.Do(request)
	check(err == nil && answer.StatusCode == 200 && hints == 103, "%v, hints %d", err, hints)
	answer.Body.Close()
	fmt.Println("ok")
}
