// SPDX-License-Identifier: MIT
// SPDX-License-Identifier: MIT
// pump PORT BACKEND_PORT: a TCP proxy with io.Copy, which splices between TCP connections.
package main

import (
	"io"
	"log"
	"net"
	"os"
	"sync"
)

func oneWay(to, from *net.TCPConn, both *sync.WaitGroup) {
	defer both.Done()
	if _, err := io.Copy(to, from); err == nil {
		_ = to.CloseWrite()
	}
}

func serve(client *net.TCPConn, backend string) {
	defer client.Close()
	to, err := net.Dial("tcp", backend)
	if err != nil {
		return
	}
	defer to.Close()
	var both sync.WaitGroup
	both.Add(2)
	go oneWay(to.(*net.TCPConn), client, &both)
	go oneWay(client, to.(*net.TCPConn), &both)
	both.Wait()
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(client.(*net.TCPConn), "127.0.0.1:"+os.Args[2])
	}
}
