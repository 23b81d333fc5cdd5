//! The admin listener: read-only, for every client that can connect, or that shows what [`AdminAccess`] wants.
//!
//! | path       | for              | says                                                                |
//! |------------|------------------|---------------------------------------------------------------------|
//! | `/`        | people           | the page, which asks `/status` every second                         |
//! | `/status`  | scripts          | the status, without the words of faulty zones                       |
//! | `/metrics` | Prometheus       | the same in numbers                                                 |
//! | `/healthz` | liveness probes  | 200 while loop, workers and probes make progress, else 503 and why  |
//! | `/readyz`  | readiness probes | 200 while all that is configured is served, else 503 and why        |
//!
//! The daemon is asked for all of it.

use std::fmt;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::access::{self, AdminAccess};
use super::admin_socket::AdminSocket;
use super::connections::{self, Bounds};
use super::metrics::{self, Form};
use super::{AdminRequest, Status, process};
use crate::tls::random_bytes;

/// Connections that are served at a time. A browser keeps up to six.
const CONNECTIONS_MAX: usize = 64;

/// How long a connection may last. Clients open a new one silently.
const CONNECTION_LASTS: Duration = Duration::from_secs(60);

/// How long the daemon may take for a reply: longer than a change of addresses holds it up.
const REPLY_WAIT: Duration = Duration::from_secs(6);

/// The page, whole: style, script and all.
const PAGE: &str = include_str!("page.html");

/// The placeholder in the page for its nonce.
const NONCE: &str = "NONCE";

/// Everything is of the moment, and is what it says it is.
const HEADERS: [(HeaderName, &str); 3] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// Serves the admin listener until `end`, for those who have access.
pub async fn serve_admin(
    listener: TcpListener,
    access: watch::Receiver<AdminAccess>,
    requests: mpsc::Sender<AdminRequest>,
    end: impl Future,
) {
    let bounds = Bounds { connections_max: CONNECTIONS_MAX, lasts: CONNECTION_LASTS };
    let (token, ours) = (access.clone(), access.clone());
    // The last one comes first: who does not mean this server learns nothing of a token.
    let router = router(requests)
        .layer(middleware::from_fn_with_state(token, access::need_token))
        .layer(middleware::from_fn_with_state(ours, access::need_ours));
    connections::serve(AdminSocket { listener, access }, router, bounds, end).await;
}

fn router(requests: mpsc::Sender<AdminRequest>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/status", get(status))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .fallback(async || {
            (StatusCode::NOT_FOUND, HEADERS, "there is /, /status, /metrics, /healthz and /readyz\n")
        })
        .with_state(requests)
}

type Requests = State<mpsc::Sender<AdminRequest>>;

/// The page may run its own script, have its own style, and ask the server it came from. A nonce says which
/// are its own: whatever got into the page otherwise would not know it.
async fn page() -> Response {
    let nonce = format!("{:032x}", u128::from_le_bytes(random_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let page = PAGE.replace(NONCE, &nonce);
    (HEADERS, [(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
}

async fn status(State(requests): Requests) -> Result<Response, Unanswered> {
    let status = ask_status(&requests).await?;
    Ok((HEADERS, Json(status)).into_response())
}

async fn metrics(State(requests): Requests, headers: HeaderMap) -> Result<Response, Unanswered> {
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let form = Form::accepted(accepted.unwrap_or_default());
    let status = ask_status(&requests).await?;
    let text = metrics::text(&status, process::usage(), form);
    Ok((HEADERS, [(header::CONTENT_TYPE, form.content_type())], text).into_response())
}

async fn healthz(State(requests): Requests) -> Result<Response, Unanswered> {
    let troubles = ask(&requests, |reply| AdminRequest::Pulse { reply }).await?;
    Ok(well_or(&troubles, "alive"))
}

async fn readyz(State(requests): Requests) -> Result<Response, Unanswered> {
    let status = ask_status(&requests).await?;
    let well =
        std::iter::once("ready".to_owned()).chain(status.remarks()).collect::<Vec<String>>().join("\n");
    Ok(well_or(&status.not_ready, &well))
}

/// The status, as far as every client that can connect may see it.
async fn ask_status(requests: &mpsc::Sender<AdminRequest>) -> Result<Status, Unanswered> {
    let status = ask(requests, |reply| AdminRequest::Status { reply }).await?;
    Ok(status.without_source_text())
}

/// 200 if there is no trouble, else 503 with one trouble per line.
fn well_or(troubles: &[String], well: &str) -> Response {
    if troubles.is_empty() {
        return (HEADERS, format!("{well}\n")).into_response();
    }
    let lines: String = troubles.iter().map(|trouble| format!("{trouble}\n")).collect();
    (StatusCode::SERVICE_UNAVAILABLE, HEADERS, lines).into_response()
}

/// Sends a request to `daemon` and waits for the reply. There are no more requests than connections.
async fn ask<T>(
    requests: &mpsc::Sender<AdminRequest>,
    request: impl FnOnce(oneshot::Sender<T>) -> AdminRequest,
) -> Result<T, Unanswered> {
    let (reply, answer) = oneshot::channel();
    let asked = async {
        requests.send(request(reply)).await.map_err(|_| Unanswered::Stopping)?;
        answer.await.map_err(|_| Unanswered::Stopping)
    };
    timeout(REPLY_WAIT, asked).await.unwrap_or(Err(Unanswered::Late))
}

/// Why the daemon says nothing.
#[derive(Clone, Copy, Debug)]
enum Unanswered {
    Late,
    Stopping,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unanswered::Late => {
                write!(f, "the server's own loop has not turned for {} s", REPLY_WAIT.as_secs())
            }
            Unanswered::Stopping => f.write_str("the server is stopping"),
        }
    }
}

impl IntoResponse for Unanswered {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, HEADERS, format!("{self}\n")).into_response()
    }
}

#[cfg(test)]
mod tests;
