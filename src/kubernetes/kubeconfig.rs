//! A kubeconfig: how to reach the API servers of a cluster, and as whom.
//!
//! Reads what service accounts have: a token or a client certificate, as files or in place. Runs no program for a token.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::access::Token;
use super::yaml::{self, Node};
use crate::http_client::{Endpoint, EndpointError, Scheme};
use crate::tls::{
    AuthorityFile, ClientCertificate, FileError, Handshake, PemText, ServerName, Verify, read_file,
};

/// Where API servers listen if nothing is said.
pub const PORT: u16 = 6443;

/// What a kubeconfig says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kubeconfig {
    /// The API server, if it is named by its address; else the name, which certificates must be for.
    pub server: Result<Endpoint, String>,
    /// What is said and demanded in a handshake with it.
    pub handshake: Handshake,
    /// What shows who we are.
    pub token: Option<Token>,
}

/// Why a kubeconfig is of no use.
#[derive(Debug)]
pub enum KubeconfigError {
    /// It, or a file that it names, cannot be used.
    File(FileError),
    /// It is no kubeconfig, or says what is not done here.
    Content(String),
}

impl fmt::Display for KubeconfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KubeconfigError::File(error) => error.fmt(f),
            KubeconfigError::Content(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for KubeconfigError {}

impl From<FileError> for KubeconfigError {
    fn from(error: FileError) -> KubeconfigError {
        KubeconfigError::File(error)
    }
}

fn content(why: impl Into<String>) -> KubeconfigError {
    KubeconfigError::Content(why.into())
}

impl Kubeconfig {
    /// Reads the file, and looks into those that it names.
    ///
    /// # Errors
    ///
    /// When one cannot be used, or it says what is not done here.
    pub fn read(path: &Path) -> Result<Kubeconfig, KubeconfigError> {
        let text = String::from_utf8(read_file(path)?).map_err(|_| content("it is not UTF-8"))?;
        let root = yaml::read(&text).map_err(|why| content(format!("it is no kubeconfig: {why}")))?;
        let current = root.text("current-context").ok_or_else(|| content("it has no `current-context`"))?;
        let context = root.named("contexts", current).and_then(|one| one.get("context"));
        let context = context.ok_or_else(|| content(format!("it has no context `{current}`")))?;
        let part = |list: &str, key: &str| {
            let name = context.text(key).ok_or_else(|| content(format!("its context has no `{key}`")))?;
            let found = root.named(list, name).and_then(|one| one.get(key));
            found.ok_or_else(|| content(format!("it has no {key} `{name}`")))
        };
        let reader = Reader { path, folder: path.parent().unwrap_or(Path::new("")) };
        let (server, handshake) = reader.cluster(part("clusters", "cluster")?)?;
        let (token, client) = reader.user(part("users", "user")?)?;
        Ok(Kubeconfig { server, handshake: Handshake { client, ..handshake }, token })
    }
}

/// Reads parts of a kubeconfig.
struct Reader<'k> {
    path: &'k Path,
    folder: &'k Path,
}

impl Reader<'_> {
    fn cluster(&self, cluster: &Node) -> Result<(Result<Endpoint, String>, Handshake), KubeconfigError> {
        let text = cluster.text("server").ok_or_else(|| content("its cluster has no `server`"))?;
        let (server, host) = match Endpoint::read(text, PORT) {
            Ok(endpoint) if endpoint.scheme == Scheme::Http => {
                return Err(content(format!("its server `{text}` is not asked in plain text: https://")));
            }
            Ok(endpoint) => (Ok(endpoint), None),
            Err(EndpointError::Name { name }) => {
                let host = name.split(['/', ':']).next().unwrap_or_default().to_owned();
                (Err(name), Some(host))
            }
            Err(error) => return Err(content(format!("its server `{text}` is none: {error}"))),
        };
        let name = cluster.text("tls-server-name").map(str::to_owned).or(host);
        let server_name = match name {
            None => None,
            Some(name) => Some(
                ServerName::new(&name).ok_or_else(|| content(format!("`{name}` is no name of a server")))?,
            ),
        };
        let verify = match (
            self.data(cluster, "certificate-authority-data")?,
            cluster.text("certificate-authority"),
        ) {
            _ if cluster.text("insecure-skip-tls-verify") == Some("true") => {
                return Err(content(
                    "it has `insecure-skip-tls-verify`: whoever is in the way could name members",
                ));
            }
            (Some(text), _) => Verify::Text(text),
            (None, Some(file)) => Verify::File(AuthorityFile::new(self.folder.join(file))?),
            (None, None) => Verify::System,
        };
        Ok((server, Handshake { server_name, verify, protocols: Vec::new(), client: None }))
    }

    fn user(&self, user: &Node) -> Result<(Option<Token>, Option<ClientCertificate>), KubeconfigError> {
        if let Some(unknown) =
            ["exec", "auth-provider", "username"].into_iter().find(|key| user.get(key).is_some())
        {
            return Err(content(format!(
                "its user has `{unknown}`: give it a token or a client certificate"
            )));
        }
        let file = |key: &str| user.text(key).map(|file| self.folder.join(file));
        let token = match (file("tokenFile"), user.text("token")) {
            (Some(file), _) => {
                read_file(&file)?;
                Some(Token::File(file))
            }
            (None, Some(token)) => Some(Token::Text(token.to_owned())),
            (None, None) => None,
        };
        let pair = |name: &str| -> Result<Option<Pem>, KubeconfigError> {
            let text = self.data(user, &format!("{name}-data"))?;
            Ok(text.map(Pem::Text).or_else(|| file(name).map(Pem::File)))
        };
        let client = match (pair("client-certificate")?, pair("client-key")?) {
            (None, None) => None,
            (Some(Pem::Text(certificate)), Some(Pem::Text(key))) => {
                Some(ClientCertificate::of_texts(certificate, key)?)
            }
            (Some(Pem::File(certificate)), Some(Pem::File(key))) => {
                Some(ClientCertificate::new(certificate, key)?)
            }
            _ => return Err(content("its client certificate and key are not both files or both data")),
        };
        if token.is_none() && client.is_none() {
            return Err(content("its user has neither a token nor a client certificate"));
        }
        Ok((token, client))
    }

    /// What stands under a key in base64.
    fn data(&self, node: &Node, key: &str) -> Result<Option<PemText>, KubeconfigError> {
        let Some(text) = node.text(key) else { return Ok(None) };
        let text = STANDARD.decode(text).map_err(|_| content(format!("its `{key}` is no base64")))?;
        Ok(Some(PemText::new(self.path.to_owned(), text)))
    }
}

/// A certificate or key.
enum Pem {
    File(PathBuf),
    Text(PemText),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cluster: &str, user: &str) -> Result<Kubeconfig, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: here\ncontexts:\n- name: other\n  context: {{}}\n\
             - name: here\n  context:\n    cluster: lab\n    user: edgedns\nclusters:\n- name: lab\n  cluster:\n{cluster}\
             users:\n- name: edgedns\n  user:\n{user}"
        );
        std::fs::write(&path, text).unwrap();
        std::fs::write(folder.path().join("token"), "abc\n").unwrap();
        Kubeconfig::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn a_service_account_is_read_with_its_server_and_authority() {
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap().pem();
        let cluster = format!(
            "    server: https://api-int.lab.example:6443\n    certificate-authority-data: {}\n",
            STANDARD.encode(&pem)
        );
        let read_one = read(&cluster, "    token: secret-token\n").unwrap();
        assert_eq!(read_one.server, Err("api-int.lab.example:6443".to_owned()));
        assert_eq!(read_one.handshake.server_name, ServerName::new("api-int.lab.example"));
        assert!(matches!(read_one.handshake.verify, Verify::Text(_)));
        assert_eq!(read_one.token, Some(Token::Text("secret-token".to_owned())));
        assert!(!format!("{read_one:?}").contains("secret-token"));
        let by_address = read("    server: https://192.0.2.13:6443\n", "    tokenFile: token\n").unwrap();
        assert_eq!(by_address.server.unwrap().to_string(), "https://192.0.2.13:6443");
        assert!(matches!(by_address.token, Some(Token::File(_))));
        let pair = format!(
            "    client-certificate-data: {}\n    client-key-data: {}\n",
            STANDARD.encode(&pem),
            STANDARD.encode(key.serialize_pem())
        );
        let proven = read("    server: https://[2001:db8::1]\n", &pair).unwrap();
        assert!(proven.handshake.client.is_some() && !format!("{proven:?}").contains("PRIVATE"));
    }

    #[test]
    fn what_is_not_done_here_is_refused_with_its_reason() {
        let server = "    server: https://192.0.2.13:6443\n";
        let fault = |cluster: &str, user: &str| read(cluster, user).unwrap_err();
        assert!(fault(server, "    exec: {command: oc}\n").contains("`exec`"));
        assert!(fault(server, "    other: x\n").contains("neither a token nor"));
        assert!(fault(server, "    tokenFile: missing\n").contains("missing"));
        let insecure = format!("{server}    insecure-skip-tls-verify: true\n");
        assert!(fault(&insecure, "    token: x\n").contains("insecure-skip-tls-verify"));
        assert!(fault("    server: 192.0.2.13\n", "    token: x\n").contains("https://"));
        assert!(fault("    server: [\n", "    token: x\n").contains("no kubeconfig"));
    }
}
