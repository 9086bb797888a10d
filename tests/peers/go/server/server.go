// SPDX-License-Identifier: MIT
// server PORT CERT KEY [CLIENT_CA]: Go's net/http with TLS; answers /hello, POST /hash and /about, which tells of the connection.
package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
)

func hash(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	if _, err := io.Copy(sum, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	io.WriteString(w, hex.EncodeToString(sum.Sum(nil)))
}

func about(w http.ResponseWriter, r *http.Request) {
	peer := ""
	if len(r.TLS.PeerCertificates) > 0 {
		peer = r.TLS.PeerCertificates[0].Subject.CommonName
	}
	json.NewEncoder(w).Encode(map[string]any{"name": r.TLS.ServerName, "resumed": r.TLS.DidResume, "version": tls.VersionName(r.TLS.Version),
		"protocol": r.TLS.NegotiatedProtocol, "peer": peer})
}

func main() {
	config := &tls.Config{}
	if len(os.Args) > 4 {
		text, err := os.ReadFile(os.Args[4])
		if err != nil {
			log.Fatal(err)
		}
		config.ClientCAs, config.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		config.ClientCAs.AppendCertsFromPEM(text)
	}
	http.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	http.HandleFunc("/hash", hash)
	http.HandleFunc("/about", about)
	server := &http.Server{Addr: "127.0.0.1:" + os.Args[1], TLSConfig: config}
	log.Fatal(server.ListenAndServeTLS(os.Args[2], os.Args[3]))
}
