// SPDX-License-Identifier: MIT
//! server PORT BACKEND_PORT: /hello, and /page/ID gathers twelve backends from BACKEND_PORT on.
use std::convert::Infallible;
use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::{BodyExt, Empty, Full};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

const CALLS: u16 = 12;

type Asker = Client<HttpConnector, Empty<Bytes>>;
type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn ask(client: &Asker, port: u16, id: &str) -> Result<(u16, Bytes), Failure> {
    let reply = client.get(format!("http://127.0.0.1:{port}/answer/{id}").parse()?).await?;
    let status = reply.status().as_u16();
    let body = reply.into_body().collect().await?.to_bytes();
    serde_json::from_slice::<serde::de::IgnoredAny>(&body)?; // valid, so it is embedded as it came
    Ok((status, body))
}

async fn gather(client: &Asker, first: u16, deadline: Duration, id: &str) -> String {
    let calls = (0..CALLS).map(|i| tokio::time::timeout(deadline, ask(client, first + i, id)));
    let mut out = String::with_capacity(4096);
    for (i, outcome) in join_all(calls).await.into_iter().enumerate() {
        out.push(if i == 0 { '{' } else { ',' });
        let _ = match outcome {
            Ok(Ok((status, body))) => {
                let body = String::from_utf8_lossy(&body);
                write!(out, "\"c{i}\":{{\"status\":{status},\"body\":{body}}}")
            }
            Ok(Err(error)) => write!(out, "\"c{i}\":{{\"error\":{:?}}}", error.to_string()),
            Err(_) => write!(out, "\"c{i}\":{{\"error\":\"deadline exceeded\"}}"),
        };
    }
    out.push('}');
    out
}

fn answer(kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let numbers: Vec<u16> = std::env::args().skip(1).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let (port, first) = (numbers[0], numbers[1]);
    let deadline = std::env::var("BENCH_DEADLINE_MS").ok().and_then(|ms| ms.parse().ok()).unwrap_or(1000);
    let deadline = Duration::from_millis(deadline);
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Asker = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(256).build(connector);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let _ = stream.set_nodelay(true);
        let client = client.clone();
        tokio::spawn(async move {
            let service = service_fn(|request: Request<hyper::body::Incoming>| async {
                let response = match request.uri().path().strip_prefix("/page/") {
                    Some(id) => answer("application/json", gather(&client, first, deadline, id).await.into()),
                    None => answer("text/plain", Bytes::from_static(b"Hello, World!")),
                };
                drop(request);
                Ok::<_, Infallible>(response)
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(60))
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
