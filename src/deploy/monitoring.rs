//! What has a cluster's own Prometheus and console watch edgedns on its nodes.
//!
//! The servers are no pods: a Service without a selector stands for them, with the addresses written out. Secrets are named,
//! never written. The same input makes the same bytes.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use super::yaml::Value;

/// What all objects are called.
const NAME: &str = "edgedns";

/// The Secret that the operator makes: `token`, and `tls.crt` with `tls.key` where clients need a certificate.
const SECRET: &str = "edgedns-monitoring";

/// The ConfigMap with the authority of the servers' certificate, and its key.
const AUTHORITY: &str = "edgedns-ca";
const AUTHORITY_KEY: &str = "ca.crt";

/// The only port of the Service.
const PORT_NAME: &str = "metrics";

/// How often metrics are asked for: alerts go by half minutes.
const INTERVAL: &str = "15s";

/// Longest name of a namespace, in bytes (a label of RFC 1123).
const NAMESPACE_BYTES_MAX: usize = 63;

/// Most nodes: more than an EndpointSlice takes (1,000), and than any cluster has masters.
const NODES_MAX: usize = 100;

const RULES: &str = include_str!("../../systemd/edgedns.rules.yaml");
const DASHBOARD: &str = include_str!("../../systemd/edgedns.dashboard.json");

/// The name of a namespace: a label of small letters, digits and inner hyphens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace(String);

/// This is not the name of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceError(String);

impl fmt::Display for NamespaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a namespace: lower-case letters, digits and inner hyphens, 63 bytes at most",
            self.0
        )
    }
}

impl std::error::Error for NamespaceError {}

impl FromStr for Namespace {
    type Err = NamespaceError;

    fn from_str(text: &str) -> Result<Self, NamespaceError> {
        let is_fit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let holds = (1..=NAMESPACE_BYTES_MAX).contains(&text.len())
            && text.bytes().all(is_fit)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if holds { Ok(Self(text.to_owned())) } else { Err(NamespaceError(text.to_owned())) }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How the admin listener is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitored {
    /// Where the objects go.
    pub namespace: Namespace,
    /// The nodes' addresses, of one family.
    pub nodes: Vec<IpAddr>,
    /// The port of the admin listener.
    pub port: u16,
    /// How it is encrypted; none: it is not.
    pub encryption: Option<MonitoredEncryption>,
    /// Whether every request must show a token.
    pub has_token: bool,
}

/// How the admin listener is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitoredEncryption {
    /// Certificates in PEM that its certificate is believed by.
    pub authority: String,
    /// The name that its certificate is for; none: the address of each node.
    pub server_name: Option<String>,
    /// Whether clients must have a certificate.
    pub needs_client_certificate: bool,
}

/// Why nothing is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MonitoredError {
    /// There is nobody to be asked.
    NoNode,
    /// There are too many.
    TooManyNodes(usize),
    /// A Service with addresses of both families would have each node watched twice.
    TwoFamilies,
}

impl fmt::Display for MonitoredError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MonitoredError::NoNode => {
                f.write_str("no address of a node: name each with --node, or list them in `[server] listen`")
            }
            MonitoredError::TooManyNodes(count) => write!(f, "{count} nodes, and {NODES_MAX} are the most"),
            MonitoredError::TwoFamilies => {
                f.write_str("addresses of both families: name one of each node with --node")
            }
        }
    }
}

impl std::error::Error for MonitoredError {}

/// All objects as one stream of YAML, for `oc apply --server-side`.
///
/// # Errors
///
/// See [`MonitoredError`].
pub fn objects(monitored: &Monitored) -> Result<String, MonitoredError> {
    let Monitored { nodes, .. } = monitored;
    match nodes.len() {
        0 => return Err(MonitoredError::NoNode),
        count if count > NODES_MAX => return Err(MonitoredError::TooManyNodes(count)),
        _ => {}
    }
    if nodes.iter().any(IpAddr::is_ipv4) && nodes.iter().any(IpAddr::is_ipv6) {
        return Err(MonitoredError::TwoFamilies);
    }
    let mut text = head(monitored);
    text += &monitored.namespace_object().to_yaml();
    let mut add = |remark: &str, object: &str| text += &format!("---\n# {remark}\n{object}");
    add(
        "The servers: no pods, so their addresses stand in the two objects behind it.",
        &monitored.service().to_yaml(),
    );
    add(
        "For a Prometheus that goes by Endpoints; the label keeps a second EndpointSlice from being made of it.",
        &monitored.endpoints().to_yaml(),
    );
    add("For one that goes by EndpointSlices.", &monitored.endpoint_slice().to_yaml());
    if let Some(encryption) = &monitored.encryption {
        let data = Value::Map(vec![(AUTHORITY_KEY, encryption.authority.as_str().into())]);
        let map = monitored.config_map(AUTHORITY, &[], data);
        add("What the servers' certificate is believed by.", &map.to_yaml());
    }
    add("How they are asked.", &monitored.service_monitor().to_yaml());
    add("The alerts of edgedns.rules.yaml.", &monitored.prometheus_rule());
    let dashboard = Value::Map(vec![("edgedns.dashboard.json", DASHBOARD.into())]);
    let map = monitored.config_map("edgedns-dashboard", &[("grafana_dashboard", "1")], dashboard);
    add("The dashboard, with the label that Grafana's sidecar looks for.", &map.to_yaml());
    if monitored.encryption.is_some() {
        for node in nodes {
            add(
                "In the console's application menu: the page of one node.",
                &monitored.console_link(*node).to_yaml(),
            );
        }
    }
    Ok(text)
}

/// What comes before the objects: how they are applied, and what is to be made by hand.
fn head(monitored: &Monitored) -> String {
    let mut text = "# Made by `edgedns manifests monitoring`: make it again when nodes come or go.\n\
                    #   oc apply --server-side -f monitoring.yaml\n"
        .to_owned();
    let namespace = &monitored.namespace;
    let mut keys = Vec::new();
    if monitored.has_token {
        keys.push("--from-file=token=FILE-OF-THE-TOKEN");
    }
    if monitored.encryption.as_ref().is_some_and(|encryption| encryption.needs_client_certificate) {
        keys.extend(["--from-file=tls.crt=CERTIFICATE", "--from-file=tls.key=KEY"]);
    }
    if !keys.is_empty() {
        text += &format!(
            "# Prometheus reads secrets from this one, which is not in here:\n\
             #   oc -n {namespace} create secret generic {SECRET} {}\n",
            keys.join(" ")
        );
    }
    text
}

impl Monitored {
    fn metadata(&self, name: &str, labels: &[(&'static str, &str)]) -> Value {
        let usual = [("app.kubernetes.io/name", NAME)];
        let labels = usual.iter().chain(labels).map(|(key, value)| (*key, Value::from(*value))).collect();
        Value::Map(vec![
            ("labels", Value::Map(labels)),
            ("name", name.into()),
            ("namespace", self.namespace.0.as_str().into()),
        ])
    }

    fn object(&self, version: &str, kind: &str, metadata: Value, rest: Vec<(&'static str, Value)>) -> Value {
        let mut entries = vec![("apiVersion", version.into()), ("kind", kind.into()), ("metadata", metadata)];
        entries.extend(rest);
        Value::Map(entries)
    }

    fn namespace_object(&self) -> Value {
        let metadata = Value::Map(vec![("name", self.namespace.0.as_str().into())]);
        self.object("v1", "Namespace", metadata, Vec::new())
    }

    fn service(&self) -> Value {
        let spec = Value::Map(vec![
            ("clusterIP", "None".into()),
            ("ports", Value::List(vec![self.port()])),
            ("type", "ClusterIP".into()),
        ]);
        self.object("v1", "Service", self.metadata(NAME, &[]), vec![("spec", spec)])
    }

    fn port(&self) -> Value {
        Value::Map(vec![
            ("name", PORT_NAME.into()),
            ("port", Value::Number(u32::from(self.port))),
            ("protocol", "TCP".into()),
        ])
    }

    fn endpoints(&self) -> Value {
        let addresses = self.nodes.iter().map(|node| Value::Map(vec![("ip", Value::Text(node.to_string()))]));
        let subset = Value::Map(vec![
            ("addresses", Value::List(addresses.collect())),
            ("ports", Value::List(vec![self.port()])),
        ]);
        let metadata = self.metadata(NAME, &[("endpointslice.kubernetes.io/skip-mirror", "true")]);
        self.object("v1", "Endpoints", metadata, vec![("subsets", Value::List(vec![subset]))])
    }

    fn endpoint_slice(&self) -> Value {
        let family = if self.nodes.iter().all(IpAddr::is_ipv4) { "IPv4" } else { "IPv6" };
        let endpoint = |node: &IpAddr| {
            Value::Map(vec![
                ("addresses", Value::List(vec![Value::Text(node.to_string())])),
                ("conditions", Value::Map(vec![("ready", Value::Truth(true))])),
            ])
        };
        let labels = [("endpointslice.kubernetes.io/managed-by", NAME), ("kubernetes.io/service-name", NAME)];
        let metadata = self.metadata("edgedns-nodes", &labels);
        self.object(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            metadata,
            vec![
                ("addressType", family.into()),
                ("endpoints", Value::List(self.nodes.iter().map(endpoint).collect())),
                ("ports", Value::List(vec![self.port()])),
            ],
        )
    }

    fn config_map(&self, name: &str, labels: &[(&'static str, &str)], data: Value) -> Value {
        self.object("v1", "ConfigMap", self.metadata(name, labels), vec![("data", data)])
    }

    fn service_monitor(&self) -> Value {
        let of_secret = |key: &str| Value::Map(vec![("key", key.into()), ("name", SECRET.into())]);
        let mut endpoint = Vec::new();
        if self.has_token {
            endpoint.push((
                "authorization",
                Value::Map(vec![("credentials", of_secret("token")), ("type", "Bearer".into())]),
            ));
        }
        endpoint.extend([
            ("interval", INTERVAL.into()),
            ("path", "/metrics".into()),
            ("port", PORT_NAME.into()),
            ("scheme", if self.encryption.is_some() { "https" } else { "http" }.into()),
        ]);
        if let Some(encryption) = &self.encryption {
            let map = Value::Map(vec![("key", AUTHORITY_KEY.into()), ("name", AUTHORITY.into())]);
            let mut tls = vec![("ca", Value::Map(vec![("configMap", map)]))];
            if encryption.needs_client_certificate {
                tls.push(("cert", Value::Map(vec![("secret", of_secret("tls.crt"))])));
                tls.push(("keySecret", of_secret("tls.key")));
            }
            tls.extend(encryption.server_name.as_ref().map(|name| ("serverName", name.as_str().into())));
            endpoint.push(("tlsConfig", Value::Map(tls)));
        }
        let labels = Value::Map(vec![("app.kubernetes.io/name", NAME.into())]);
        let spec = Value::Map(vec![
            ("endpoints", Value::List(vec![Value::Map(endpoint)])),
            ("selector", Value::Map(vec![("matchLabels", labels)])),
        ]);
        self.object(
            "monitoring.coreos.com/v1",
            "ServiceMonitor",
            self.metadata(NAME, &[]),
            vec![("spec", spec)],
        )
    }

    /// The rules as they are in their file, further to the right.
    fn prometheus_rule(&self) -> String {
        let head =
            self.object("monitoring.coreos.com/v1", "PrometheusRule", self.metadata(NAME, &[]), Vec::new());
        let groups = RULES.lines().skip_while(|line| *line != "groups:");
        let shifted =
            groups.map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") });
        format!("{}spec:\n{}", head.to_yaml(), shifted.collect::<String>())
    }

    /// It is the cluster's, in no namespace, and leads to a page that is encrypted: the console takes no other.
    fn console_link(&self, node: IpAddr) -> Value {
        let name = format!("edgedns-{}", node.to_string().replace([':', '.'], "-").trim_matches('-'));
        let menu = Value::Map(vec![("section", "edgedns".into())]);
        let spec = Value::Map(vec![
            ("applicationMenu", menu),
            ("href", Value::Text(format!("https://{}/", SocketAddr::new(node, self.port)))),
            ("location", "ApplicationMenu".into()),
            ("text", Value::Text(format!("edgedns on {node}"))),
        ]);
        let labels = Value::Map(vec![("app.kubernetes.io/name", NAME.into())]);
        let metadata = Value::Map(vec![("labels", labels), ("name", Value::Text(name))]);
        self.object("console.openshift.io/v1", "ConsoleLink", metadata, vec![("spec", spec)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monitored(nodes: &[&str]) -> Monitored {
        Monitored {
            namespace: "edgedns".parse().unwrap(),
            nodes: nodes.iter().map(|node| node.parse().unwrap()).collect(),
            port: 9653,
            encryption: None,
            has_token: false,
        }
    }

    #[test]
    fn what_is_not_encrypted_is_no_link_of_the_console() {
        let plain = objects(&monitored(&["192.0.2.13"])).unwrap();
        assert!(!plain.contains("ConsoleLink") && !plain.contains("tlsConfig") && !plain.contains("secret"));
        let encryption = MonitoredEncryption {
            authority: "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n".to_owned(),
            server_name: Some("ns1.example.com".to_owned()),
            needs_client_certificate: true,
        };
        let encrypted =
            Monitored { encryption: Some(encryption), has_token: true, ..monitored(&["2001:db8::13"]) };
        let text = objects(&encrypted).unwrap();
        for part in [
            "href: \"https://[2001:db8::13]:9653/\"\n",
            "name: edgedns-2001-db8--13\n",
            "serverName: ns1.example.com\n",
            "addressType: IPv6\n",
            "--from-file=token=FILE-OF-THE-TOKEN --from-file=tls.crt=CERTIFICATE --from-file=tls.key=KEY\n",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn nodes_that_would_be_watched_twice_or_not_at_all_are_refused() {
        assert_eq!(objects(&monitored(&[])), Err(MonitoredError::NoNode));
        let both = monitored(&["192.0.2.13", "2001:db8::13"]);
        assert_eq!(objects(&both), Err(MonitoredError::TwoFamilies));
    }

    #[test]
    fn namespaces_are_those_a_cluster_takes() {
        for (text, holds) in [("edgedns", true), ("a-1", true), ("a.b", false), ("A", false), ("-a", false)] {
            assert_eq!(text.parse::<Namespace>().is_ok(), holds, "{text}");
        }
    }
}
