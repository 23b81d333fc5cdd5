//! Which nodes or pods are meant.

use std::fmt;

/// Longest selector, in bytes: it is part of a file name and of metrics.
const BYTES_MAX: usize = 200;

/// Labels of nodes that run an API server, by new and old name.
pub(super) const MASTERS: [&str; 2] =
    ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

/// Label of nodes that have etcd and no API server.
pub(super) const ARBITER: &str = "node-role.kubernetes.io/arbiter";

/// Which nodes or pods are meant, by their labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Selector {
    /// Nodes with these labels: their own addresses.
    Nodes {
        /// A label selector: `node-role.kubernetes.io/master`, `zone=a,disk!=slow`.
        labels: String,
    },
    /// Pods of a namespace with these labels: the addresses of the nodes that they run on.
    Pods {
        /// The namespace.
        namespace: String,
        /// A label selector.
        labels: String,
    },
}

/// Why a text selects nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectorError {
    /// It is empty or too long.
    Length,
    /// It has a character that no label selector has.
    Character(char),
    /// Pods are named by their namespace first.
    Namespace,
}

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SelectorError::Length => write!(f, "a label selector has 1 to {BYTES_MAX} bytes"),
            SelectorError::Character(character) => write!(f, "no label selector has {character:?}"),
            SelectorError::Namespace => f.write_str("pods are NAMESPACE/LABELS"),
        }
    }
}

impl std::error::Error for SelectorError {}

impl Selector {
    /// Nodes by their labels.
    ///
    /// # Errors
    ///
    /// When it is no label selector.
    pub fn nodes(labels: &str) -> Result<Selector, SelectorError> {
        check(labels)?;
        Ok(Selector::Nodes { labels: labels.to_owned() })
    }

    /// Pods by `NAMESPACE/LABELS`.
    ///
    /// # Errors
    ///
    /// When that is not what it is.
    pub fn pods(text: &str) -> Result<Selector, SelectorError> {
        let (namespace, labels) = text.split_once('/').ok_or(SelectorError::Namespace)?;
        let is_label = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if namespace.is_empty() || !namespace.bytes().all(is_label) {
            return Err(SelectorError::Namespace);
        }
        check(text)?;
        check(labels)?;
        Ok(Selector::Pods { namespace: namespace.to_owned(), labels: labels.to_owned() })
    }

    /// Whether nodes are meant that run an API server each.
    pub fn is_of_masters(&self) -> bool {
        let Selector::Nodes { labels } = self else { return false };
        let role = labels.split(['=', ',']).next().unwrap_or_default();
        MASTERS.contains(&role)
    }

    /// What is asked for them.
    pub(super) fn path(&self) -> String {
        match self {
            Selector::Nodes { labels } => format!("/api/v1/nodes?labelSelector={}", encoded(labels)),
            Selector::Pods { namespace, labels } => {
                format!("/api/v1/namespaces/{namespace}/pods?labelSelector={}", encoded(labels))
            }
        }
    }
}

fn check(labels: &str) -> Result<(), SelectorError> {
    if labels.is_empty() || labels.len() > BYTES_MAX {
        return Err(SelectorError::Length);
    }
    let is_known = |character: &char| character.is_ascii_alphanumeric() || "-_./=!,() ".contains(*character);
    match labels.chars().find(|character| !is_known(character)) {
        Some(character) => Err(SelectorError::Character(character)),
        None => Ok(()),
    }
}

/// As part of a query (RFC 3986, section 2.1).
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Nodes { labels } => write!(f, "nodes {labels}"),
            Selector::Pods { namespace, labels } => write!(f, "pods {namespace}/{labels}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_asked_for_by_its_path() {
        let nodes = Selector::nodes("node-role.kubernetes.io/master").unwrap();
        assert!(
            nodes.is_of_masters()
                && !Selector::nodes("node-role.kubernetes.io/worker").unwrap().is_of_masters()
        );
        assert_eq!(nodes.path(), "/api/v1/nodes?labelSelector=node-role.kubernetes.io%2Fmaster");
        let pods = Selector::pods("openshift-ingress/a.b/c=default").unwrap();
        assert_eq!(
            (pods.path().as_str(), pods.to_string().as_str()),
            (
                "/api/v1/namespaces/openshift-ingress/pods?labelSelector=a.b%2Fc%3Ddefault",
                "pods openshift-ingress/a.b/c=default"
            )
        );
    }

    #[test]
    fn what_selects_nothing_is_refused() {
        assert_eq!(Selector::nodes(""), Err(SelectorError::Length));
        assert_eq!(Selector::nodes("a&watch=1"), Err(SelectorError::Character('&')));
        assert_eq!(Selector::pods("app=router"), Err(SelectorError::Namespace));
        assert_eq!(Selector::pods("../secrets/app=router"), Err(SelectorError::Namespace));
        assert_eq!(Selector::pods("router/"), Err(SelectorError::Length));
    }
}
