//! Image mode: nodes that boot an image with the package in it, named in the MachineConfig or built by the cluster.

use std::fmt;
use std::str::FromStr;

use super::super::yaml::Value;
use super::object::{ObjectName, Role};
use super::url::Url;
use crate::source::{Diagnostic, Severity};

/// Longest reference of an image, in bytes, as the operator's own schema has it.
const REFERENCE_BYTES_MAX: usize = 447;

/// An image by its digest: a tag can come to mean another image between two nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageDigest(String);

/// Where an image is pushed: with a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageTag(String);

/// This names no such image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageError {
    text: String,
    wanted: &'static str,
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not {}", self.text, self.wanted)
    }
}

impl std::error::Error for ImageError {}

/// Whether a text is `host[:port]/path`, as all registries take it.
fn is_repository(text: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-:/".contains(&byte);
    let (host, path) = text.split_once('/').unwrap_or_default();
    text.bytes().all(is_fit)
        && !host.is_empty()
        && !path.is_empty()
        && !path.contains(':')
        && !path.ends_with('/')
}

impl FromStr for ImageDigest {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, ImageError> {
        let (repository, digest) = text.split_once("@sha256:").unwrap_or_default();
        let holds = text.len() <= REFERENCE_BYTES_MAX
            && is_repository(repository)
            && digest.len() == 64
            && digest.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase());
        let wanted = "an image by its digest: quay.example.com/site/rhel-coreos@sha256:…";
        if holds { Ok(Self(text.to_owned())) } else { Err(ImageError { text: text.to_owned(), wanted }) }
    }
}

impl FromStr for ImageTag {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, ImageError> {
        let (repository, tag) = text.rsplit_once(':').unwrap_or_default();
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let holds = text.len() <= REFERENCE_BYTES_MAX
            && is_repository(repository)
            && (1..=128).contains(&tag.len())
            && tag.bytes().all(is_fit);
        let wanted = "a place for an image: quay.example.com/site/rhel-coreos:edgedns";
        if holds { Ok(Self(text.to_owned())) } else { Err(ImageError { text: text.to_owned(), wanted }) }
    }
}

/// An image that the cluster builds for a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageBuild {
    /// Where the RPM is.
    pub rpm: Url,
    /// Where the image is pushed.
    pub push_to: ImageTag,
    /// The Secret, in openshift-machine-config-operator, that may push there.
    pub push_secret: ObjectName,
}

pub(super) const BUILD_REMARK: &str = "\
The cluster builds an image with edgedns in it for this pool, from OpenShift 4.19 on, and again for each release and each
change of a MachineConfig. To go back, delete this object.";

impl ImageDigest {
    /// The entry of a MachineConfig.
    pub(super) fn entry(&self) -> (&'static str, Value) {
        ("osImageURL", self.0.as_str().into())
    }

    /// What it means for the pool.
    pub(super) fn remark(&self) -> Diagnostic {
        let message = "with --os-image the pool stays at this image: upgrades of the cluster do not change its system any more";
        Diagnostic::placeless(Severity::Warning, message)
            .help("build the image anew from `oc adm release info --image-for rhel-coreos` of each release, and make this again")
            .help("`oc get mc -o custom-columns=NAME:.metadata.name,IMAGE:.spec.osImageURL` shows which image each has")
    }
}

impl ImageBuild {
    /// What has the cluster build it.
    pub(super) fn object(&self, role: &Role) -> Value {
        let content = format!(
            "FROM configs AS final\n\
             RUN dnf install -y --disablerepo='*' '{}' && dnf clean all && bootc container lint\n",
            self.rpm.as_str()
        );
        let named = |name: &str| Value::Map(vec![("name", name.into())]);
        let file =
            Value::Map(vec![("containerfileArch", "NoArch".into()), ("content", content.as_str().into())]);
        let spec = Value::Map(vec![
            ("containerFile", Value::List(vec![file])),
            ("imageBuilder", Value::Map(vec![("imageBuilderType", "Job".into())])),
            ("machineConfigPool", named(&role.to_string())),
            ("renderedImagePushSecret", named(self.push_secret.as_str())),
            ("renderedImagePushSpec", self.push_to.0.as_str().into()),
        ]);
        Value::Map(vec![
            ("apiVersion", "machineconfiguration.openshift.io/v1".into()),
            ("kind", "MachineOSConfig".into()),
            ("metadata", named(&role.to_string())),
            ("spec", spec),
        ])
    }

    /// What it means for changes, and what is odd about the place of the RPM.
    pub(super) fn remarks(&self) -> Vec<Diagnostic> {
        let message = "with --build-image each change of a file reboots the nodes: their disruption policies are not heeded";
        let rebooting = Diagnostic::placeless(Severity::Warning, message)
            .remark("so it is up to OpenShift 4.22, where the image is built by the cluster")
            .help("where zones change often, layer the package, name an image with --os-image, or use --binary-from");
        [rebooting].into_iter().chain(self.rpm.remark_on_plain()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_named_as_registries_take_them() {
        let digest = "a".repeat(64);
        for (text, holds) in [
            (format!("quay.example.com/site/rhel-coreos@sha256:{digest}"), true),
            (format!("192.0.2.5:5000/a@sha256:{digest}"), true),
            ("quay.example.com/site/rhel-coreos:4.18".to_owned(), false),
            (format!("rhel-coreos@sha256:{digest}"), false),
            (format!("quay.example.com/a@sha256:{}", &digest[1..]), false),
        ] {
            assert_eq!(text.parse::<ImageDigest>().is_ok(), holds, "{text}");
        }
        for (text, holds) in
            [("192.0.2.5:5000/site/a:edgedns", true), ("192.0.2.5:5000/site/a", false), ("a:b", false)]
        {
            assert_eq!(text.parse::<ImageTag>().is_ok(), holds, "{text}");
        }
    }
}
