//! The routes of the control socket: `GET /status`, `/metrics`, `/explain` and `/trace`, `POST /reload` and `/force`.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, RawQuery, Request as HttpRequest, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::connections::{self, Bounds};
use super::metrics::{self, Form};
use super::updates::{DropBody, UpdatesOrder};
use super::{
    AdminRequest, Completeness, ExplainOrder, ForceOrder, ReloadCause, TraceOrder, host, process, traced,
};
use crate::health::force::RuleError;
use crate::transport::TRACES_MAX;

/// Connections that are served at a time. There are few operators.
pub const CONNECTIONS_MAX: usize = 16;

/// Longest body of a request, in bytes: two texts and two words.
pub const BODY_BYTES_MAX: usize = 4096;

/// How long a client may take to send the body of a request: it has its place meanwhile.
const BODY_WAIT: Duration = Duration::from_secs(5);

/// How long a connection may last: more than any reload takes.
const CONNECTION_LASTS: Duration = Duration::from_secs(30 * 60);

/// Serves the control socket until `end`.
pub async fn serve(listener: UnixListener, requests: mpsc::Sender<AdminRequest>, end: impl Future) {
    let bounds = Bounds { connections_max: CONNECTIONS_MAX, lasts: CONNECTION_LASTS };
    connections::serve(listener, router(requests), bounds, end).await;
}

fn router(requests: mpsc::Sender<AdminRequest>) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/metrics", get(metrics))
        .route("/reload", post(reload))
        .route("/force", post(force))
        .route("/explain", get(explain))
        .route("/trace", get(trace))
        .route("/updates", get(updates))
        .route("/updates/drop", post(drop_updates))
        .fallback(async || {
            let there_is =
                "there is /status, /metrics, /reload, /force, /explain, /trace, /updates and /updates/drop";
            HttpRefusal::new(StatusCode::NOT_FOUND, there_is)
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(host::need_one))
        .with_state(requests)
}

type Requests = State<mpsc::Sender<AdminRequest>>;

async fn status(State(requests): Requests) -> Result<Response, HttpRefusal> {
    let status = ask(&requests, |reply| AdminRequest::Status { reply }).await?;
    Ok(Json(status).into_response())
}

async fn metrics(State(requests): Requests) -> Result<Response, HttpRefusal> {
    let status = ask(&requests, |reply| AdminRequest::Status { reply }).await?;
    let text = metrics::text(&status, process::usage(), Form::Plain);
    Ok(([(header::CONTENT_TYPE, Form::Plain.content_type())], text).into_response())
}

async fn reload(State(requests): Requests, query: RawQuery) -> Result<Response, HttpRefusal> {
    if query.0.as_deref() == Some("accept") {
        let accepted = ask(&requests, |reply| AdminRequest::Accept { reply }).await?;
        tracing::info!("an operator accepts what has gone from {accepted} zones");
    }
    let request = |reply| AdminRequest::Reload { cause: ReloadCause::Operator, reply: Some(reply) };
    let reloaded = ask(&requests, request).await?;
    let code = match reloaded.outcome {
        Completeness::Whole => StatusCode::OK,
        Completeness::Partly | Completeness::Refused => StatusCode::CONFLICT,
    };
    Ok((code, Json(reloaded)).into_response())
}

async fn force(State(requests): Requests, request: HttpRequest) -> Result<Response, HttpRefusal> {
    let body = match body(request).await? {
        Ok(body) => body,
        Err(rejected) => return Ok(rejected),
    };
    let body: ForceBody = serde_json::from_slice(&body)
        .map_err(|fault| HttpRefusal::new(StatusCode::BAD_REQUEST, fault.to_string()))?;
    let order = ForceOrder::try_from(body).map_err(HttpRefusal::from)?;
    let forced =
        ask(&requests, |reply| AdminRequest::Force { order, reply }).await?.map_err(HttpRefusal::from)?;
    Ok(Json(forced).into_response())
}

/// The body of a request, or the response where it is too long.
async fn body(request: HttpRequest) -> Result<Result<Bytes, Response>, HttpRefusal> {
    match timeout(BODY_WAIT, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => Ok(Ok(body)),
        Ok(Err(rejection)) => Ok(Err(rejection.into_response())),
        Err(_) => Err(HttpRefusal::new(StatusCode::REQUEST_TIMEOUT, "the body does not come")),
    }
}

async fn updates(State(requests): Requests, RawQuery(text): RawQuery) -> Result<Response, HttpRefusal> {
    let order = UpdatesOrder::read(&text.unwrap_or_default());
    let order = order.map_err(|fault| HttpRefusal::new(StatusCode::BAD_REQUEST, fault))?;
    operate(&requests, order).await
}

async fn drop_updates(State(requests): Requests, request: HttpRequest) -> Result<Response, HttpRefusal> {
    let bad = |fault: String| HttpRefusal::new(StatusCode::BAD_REQUEST, fault);
    let body = match body(request).await? {
        Ok(body) => body,
        Err(rejected) => return Ok(rejected),
    };
    let body: DropBody = serde_json::from_slice(&body).map_err(|fault| bad(fault.to_string()))?;
    operate(&requests, body.order().map_err(bad)?).await
}

async fn operate(
    requests: &mpsc::Sender<AdminRequest>,
    order: UpdatesOrder,
) -> Result<Response, HttpRefusal> {
    let shown = ask(requests, |reply| AdminRequest::Updates { order, reply }).await?;
    let shown = shown.map_err(|why| HttpRefusal::new(StatusCode::UNPROCESSABLE_ENTITY, why))?;
    Ok(Json(shown).into_response())
}

async fn explain(State(requests): Requests, RawQuery(text): RawQuery) -> Result<Response, HttpRefusal> {
    let order = ExplainOrder::read(&text.unwrap_or_default());
    let order = order.map_err(|fault| HttpRefusal::new(StatusCode::BAD_REQUEST, fault))?;
    let explanation = ask(&requests, |reply| AdminRequest::Explain { order, reply }).await?;
    Ok(Json(explanation).into_response())
}

/// Queries as they come, a JSON object in each line; closing the connection ends it.
async fn trace(State(requests): Requests, RawQuery(text): RawQuery) -> Result<Response, HttpRefusal> {
    let order = TraceOrder::read(&text.unwrap_or_default());
    let order = order.map_err(|fault| HttpRefusal::new(StatusCode::BAD_REQUEST, fault))?;
    let (filter, until) = (order.filter.clone(), Instant::now() + order.lasts);
    let trace = ask(&requests, |reply| AdminRequest::Trace { filter, until, reply }).await?;
    let busy =
        || HttpRefusal::new(StatusCode::SERVICE_UNAVAILABLE, format!("{TRACES_MAX} traces run already"));
    let lines = traced::body(trace.ok_or_else(busy)?, &order);
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response())
}

/// Hands a request over and waits for the reply.
async fn ask<T>(
    requests: &mpsc::Sender<AdminRequest>,
    request: impl FnOnce(oneshot::Sender<T>) -> AdminRequest,
) -> Result<T, HttpRefusal> {
    let (reply, answer) = oneshot::channel();
    requests
        .try_send(request(reply))
        .map_err(|_| HttpRefusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests wait already"))?;
    answer.await.map_err(|_| HttpRefusal::new(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping"))
}

/// The body of `POST /force`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ForceBody {
    target: String,
    verdict: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    for_seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl TryFrom<ForceBody> for ForceOrder {
    type Error = RuleError;

    fn try_from(body: ForceBody) -> Result<Self, RuleError> {
        Ok(ForceOrder {
            pattern: body.target.parse()?,
            order: body.verdict.parse()?,
            lasts: body.for_seconds.map(Duration::from_secs),
            remark: body.reason.map(|reason| reason.parse()).transpose()?,
        })
    }
}

impl From<&ForceOrder> for ForceBody {
    fn from(order: &ForceOrder) -> Self {
        ForceBody {
            target: order.pattern.to_string(),
            verdict: order.order.to_string(),
            for_seconds: order.lasts.map(|lasts| lasts.as_secs()),
            reason: order.remark.as_ref().map(ToString::to_string),
        }
    }
}

/// Why a request is not carried out.
#[derive(Debug)]
struct HttpRefusal {
    code: StatusCode,
    error: String,
}

/// The body of a refusal.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RefusalBody {
    pub(super) error: String,
}

impl HttpRefusal {
    fn new(code: StatusCode, error: impl Into<String>) -> Self {
        Self { code, error: error.into() }
    }
}

impl From<RuleError> for HttpRefusal {
    fn from(error: RuleError) -> Self {
        HttpRefusal::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    }
}

impl IntoResponse for HttpRefusal {
    fn into_response(self) -> Response {
        (self.code, Json(RefusalBody { error: self.error })).into_response()
    }
}
