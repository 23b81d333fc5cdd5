//! Who may use the admin listener: by which name, over what, and with which token.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use subtle::ConstantTimeEq;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::host::{self, AdminHosts};
use crate::tls::{ClientAuthorities, FileError, FileFault, StrictFile, read_file};

/// Who may use the admin listener.
#[derive(Clone, Debug)]
pub struct AdminAccess {
    /// By which names it may be asked for.
    pub hosts: AdminHosts,
    /// How handshakes are made; none: HTTP in the clear.
    pub encryption: Option<AdminEncryption>,
    /// What every request must show; none: nothing.
    pub token: Option<TokenFile>,
}

/// How the handshakes of the admin listener are made.
#[derive(Clone, Debug)]
pub struct AdminEncryption {
    /// With what.
    pub config: Arc<ServerConfig>,
    /// On which threads: not on those that everything else waits for.
    pub handle: Handle,
    /// The authorities whose certificates `config` wants of clients; none: it wants none.
    pub clients: Option<ClientAuthorities>,
}

/// A file with a token, which is read again when it changes: nobody has it while the file cannot be used. Copies share what
/// was read.
#[derive(Clone, Debug)]
pub struct TokenFile(StrictFile<Arc<[u8]>>);

impl TokenFile {
    /// The one at `path`, which is read when it is needed.
    pub fn new(path: PathBuf) -> Self {
        Self(StrictFile::new(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Reads the file if it has changed. Returns what is new: that it cannot be used, and why, or that it can again. May
    /// wait for a disk.
    pub fn look(&self) -> Option<Result<(), FileError>> {
        self.0.look(|path| {
            let content = read_file(path)?;
            let token = content.trim_ascii();
            let empty = || FileFault::Useless { why: "no token is in it" }.of(path);
            if token.is_empty() { Err(empty()) } else { Ok(token.into()) }
        })
    }

    /// The token as the file has it now. May wait for a disk.
    fn current(&self) -> Result<Arc<[u8]>, FileError> {
        tell(self.path(), self.look());
        self.0.known()
    }
}

impl AdminAccess {
    /// Reads the files by which it is decided who has access, where they have changed, and says what is new of them. May
    /// wait for a disk.
    pub fn look(&self) {
        let clients = self.encryption.as_ref().and_then(|encryption| encryption.clients.as_ref());
        if let Some(clients) = clients {
            tell(clients.path(), clients.look());
        }
        if let Some(token) = &self.token {
            tell(token.path(), token.look());
        }
    }
}

fn tell(path: &Path, news: Option<Result<(), FileError>>) {
    match news {
        Some(Err(fault)) => tracing::warn!("the admin listener serves nobody: {fault}"),
        Some(Ok(())) => tracing::info!("the admin listener uses {} again", path.display()),
        None => {}
    }
}

/// Answers only who means this server.
pub(super) async fn need_ours(
    State(access): State<watch::Receiver<AdminAccess>>,
    request: Request,
    next: Next,
) -> Response {
    let refusal = host::refusal(&access.borrow().hosts, &request);
    match refusal {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}

/// Answers only who shows the token, if there is one: as a bearer token (RFC 6750), or as the password of any user, which
/// is what a browser can show (RFC 7617).
pub(super) async fn need_token(
    State(access): State<watch::Receiver<AdminAccess>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(file) = access.borrow().token.clone() else { return next.run(request).await };
    let token = match spawn_blocking(move || file.current()).await {
        Ok(Ok(token)) => token,
        Ok(Err(_)) => {
            return refusal(StatusCode::SERVICE_UNAVAILABLE, "the token of this server cannot be read\n");
        }
        Err(_) => return refusal(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping\n"),
    };
    match shown(request.headers()) {
        Some(shown) if bool::from(shown.ct_eq(&token)) => next.run(request).await,
        _ => refusal(StatusCode::UNAUTHORIZED, "show the token: `Authorization: Bearer TOKEN`\n"),
    }
}

fn refusal(code: StatusCode, why: &'static str) -> Response {
    let ways = "Basic realm=\"edgedns\", charset=\"UTF-8\", Bearer";
    (code, [(header::WWW_AUTHENTICATE, ways), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], why)
        .into_response()
}

/// The token that a request shows.
fn shown(headers: &HeaderMap) -> Option<Vec<u8>> {
    let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().as_bytes().to_vec());
    }
    let decoded = STANDARD.decode(rest.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let password = decoded.iter().position(|byte| *byte == b':')?.saturating_add(1);
    decoded.get(password..).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn a_token_is_shown_as_bearer_or_as_the_password_of_anybody() {
        for way in ["Bearer abc", "bearer  abc", "Basic Ong6YWJj", "basic cHJvbWV0aGV1czphYmM="] {
            let token = shown(&headers(way)).map(|token| String::from_utf8(token).unwrap());
            let wanted = if way == "Basic Ong6YWJj" { "x:abc" } else { "abc" };
            assert_eq!(token.as_deref(), Some(wanted), "{way}");
        }
        for way in ["abc", "Digest abc", "Basic !", "Basic YWJj"] {
            assert_eq!(shown(&headers(way)), None, "{way}");
        }
        assert_eq!(shown(&HeaderMap::new()), None);
    }

    #[test]
    fn a_token_is_read_again_when_its_file_changes_and_is_nobodys_when_the_file_is_empty_or_gone() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::new(folder.path().join("token"));
        assert!(file.current().is_err());
        std::fs::write(file.path(), "one\n").unwrap();
        assert_eq!(file.current().unwrap()[..], *b"one");
        std::fs::write(file.path(), "another\n").unwrap();
        assert_eq!(file.clone().current().unwrap()[..], *b"another");
        std::fs::write(file.path(), "").unwrap();
        assert!(file.current().is_err(), "what was revoked is not accepted any more");
        std::fs::write(file.path(), "third").unwrap();
        assert_eq!(file.current().unwrap()[..], *b"third");
        std::fs::remove_file(file.path()).unwrap();
        assert!(file.current().is_err());
        let empty = TokenFile::new(folder.path().join("empty"));
        std::fs::write(empty.path(), " \n").unwrap();
        assert!(empty.current().unwrap_err().to_string().ends_with("no token is in it"));
    }
}
