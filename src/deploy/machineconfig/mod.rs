//! A config with its zones as what OpenShift writes to its nodes: one MachineConfig.
//!
//! ```text
//! files of a site ─ NodePath, NodeFile ─┐
//! parts asked for ─ dispatcher, binary, …┴▶ manifest ─▶ YAML or JSON
//!                 └ cluster ─────────────────────────▶ further documents
//! ```
//!
//! The same input makes the same bytes.

mod node_file;

mod ignition;

mod url;

mod binary;
mod layering;
mod object;

mod image;

mod recipe;

mod error;

mod dispatcher;

mod keys;

mod cluster;

use std::path::PathBuf;

use super::yaml::Value;
use crate::source::{Diagnostic, Severity};
use cluster::Document;
use ignition::{Enablement, Unit};

pub use binary::{Sha256, Sha256Error};
pub use error::{Error, LARGE_BYTES, POOL_BYTES_MAX};
pub use image::{ImageBuild, ImageDigest, ImageError, ImageTag};
pub use node_file::{CONFIG, FOLDER, Mode, NodeFile, NodePath, PathError};
pub use object::{ObjectName, ObjectNameError, Role};
pub use recipe::{Form, Part, Recipe, Site};
pub use url::{Url, UrlError};

/// What the assisted installer calls its MachineConfig for a single node.
const DNSMASQ_CONFIG: &str = "50-master-dnsmasq-configuration";

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// All documents.
    pub text: String,
    /// What the MachineConfig is called.
    pub name: ObjectName,
    /// Its size as the cluster keeps it, JSON, in bytes.
    pub bytes: usize,
    /// Its files: path, bytes before and bytes after gzip, where that was taken.
    pub files: Vec<(NodePath, usize, Option<usize>)>,
    /// What should be known before it is applied.
    pub remarks: Vec<Diagnostic>,
}

/// Makes a MachineConfig and what goes with it. The same recipe makes the same bytes, whatever the order of
/// its files.
///
/// # Errors
///
/// Where a node, MCO or cluster DNS would refuse it: see [`Error`].
pub fn make(recipe: &Recipe) -> Result<Made, Error> {
    let Recipe { role, form, parts, site, .. } = recipe;
    let name = recipe.name.clone().unwrap_or_else(|| ObjectName::usual(role));
    let mut remarks = Vec::new();
    let mut files = recipe.files.clone();
    let mut units = Vec::new();
    for part in parts {
        match part {
            Part::Dispatcher => {
                files.push(dispatcher::file(&site.listen)?);
                remarks.push(dispatcher::remark());
            }
            Part::MaskDnsmasq => {
                units.push(Unit { name: "dnsmasq.service", does: Enablement::Masked });
                remarks.extend(sorts_too_early(&name));
            }
            Part::Layering(url) => {
                units.push(layering::unit(url));
                remarks.extend(layering::remarks(url));
            }
            Part::FetchedBinary(url, digest) => {
                let (script, unit) = binary::fetching(url, digest);
                files.push(script);
                units.extend([unit, binary::service()]);
                remarks.extend(binary::remarks(url));
            }
            Part::CarriedBinary(bytes) => {
                if !binary::is_program(bytes) {
                    return Err(Error::NoProgram);
                }
                files.push(binary::carried(bytes));
                units.push(binary::service());
            }
            Part::OsImage(image) => remarks.push(image.remark()),
            Part::ImageBuild(build) => remarks.extend(build.remarks()),
            Part::NodeDisruptionPolicy | Part::DnsOperator(_) => {}
        }
    }
    files.extend(keys::drop_in(&files, program(parts)));
    remarks.extend(keys::remark(&files));
    files.sort_by(|one, other| one.path.cmp(&other.path));
    refuse_clashes(&files)?;
    let contents = ignition::contents(&files);
    let config = ignition::config(&files, &contents, &units);
    let image = parts.iter().find_map(|part| match part {
        Part::OsImage(image) => Some(image.entry()),
        _ => None,
    });
    if let (Some(_), Form::Butane | Form::Ignition) = (&image, form) {
        return Err(Error::NoPlaceForImage);
    }
    let object = object::machine_config(&name, role, config.clone(), image);
    let bytes = object.to_json().len();
    if bytes > POOL_BYTES_MAX {
        let carries = parts.iter().any(|part| matches!(part, Part::CarriedBinary(_)));
        return Err(if carries { Error::BinaryTooLarge(bytes) } else { Error::TooLarge(bytes) });
    }
    remarks.extend((bytes > LARGE_BYTES).then(|| large(bytes)));
    let documents = cluster_documents(recipe, &mut remarks)?;
    let text = match form {
        Form::MachineConfig => warning(&files).to_owned() + &stream(&name, &object, &documents),
        Form::Butane => {
            warning(&files).to_owned() + &object::butane_text(&name, role, &files, &contents, &units)
        }
        Form::Ignition => config.to_pretty_json(),
    };
    let files = files.into_iter().zip(&contents).map(|(file, content)| {
        let packed = content.packed_bytes();
        (file.path, file.bytes.len(), packed)
    });
    Ok(Made { text, name, bytes, files: files.collect(), remarks })
}

/// The documents beside the MachineConfig.
fn cluster_documents(recipe: &Recipe, remarks: &mut Vec<Diagnostic>) -> Result<Vec<Document>, Error> {
    let mut documents = Vec::new();
    for part in &recipe.parts {
        documents.push(match part {
            Part::NodeDisruptionPolicy => cluster::node_disruption_policy(&recipe.parts),
            Part::DnsOperator(upstreams) => cluster::dns_operator(&recipe.site, upstreams, remarks)?,
            Part::ImageBuild(build) => {
                Document { remark: image::BUILD_REMARK, value: build.object(&recipe.role) }
            }
            Part::Dispatcher
            | Part::MaskDnsmasq
            | Part::Layering(_)
            | Part::FetchedBinary(..)
            | Part::CarriedBinary(_)
            | Part::OsImage(_) => continue,
        });
    }
    match recipe.form {
        Form::Butane | Form::Ignition if !documents.is_empty() => Err(Error::NoPlace(recipe.form)),
        _ => Ok(documents),
    }
}

/// All documents as one stream of YAML.
fn stream(name: &ObjectName, object: &Value, documents: &[Document]) -> String {
    // On the server's side, because on the client's the whole text goes into an annotation, of 256 KiB at
    // most.
    let mut text = format!(
        "# Made by `edgedns machineconfig`: change the config and make it again.\n\
         #   oc apply --server-side -f {name}.yaml\n"
    );
    text.push_str(&object.to_yaml());
    for Document { remark, value } in documents {
        text.push_str("---\n");
        for line in remark.lines() {
            text.push_str("# ");
            text.push_str(line);
            text.push('\n');
        }
        text.push_str(&value.to_yaml());
    }
    text
}

/// Where the program is on a node with these parts.
fn program(parts: &[Part]) -> &'static str {
    let brings_it = |part: &Part| matches!(part, Part::FetchedBinary(..) | Part::CarriedBinary(_));
    if parts.iter().any(brings_it) { binary::PLACE } else { binary::PLACE_OF_PACKAGE }
}

/// What whoever reads the document is told first.
fn warning(files: &[NodeFile]) -> &'static str {
    if files.iter().any(|file| file.mode == Mode::Key) { keys::WARNING } else { "" }
}

/// No path twice, and none a folder of another; `files` are sorted by path.
fn refuse_clashes(files: &[NodeFile]) -> Result<(), Error> {
    for (place, file) in files.iter().enumerate() {
        for other in files.iter().skip(place + 1) {
            if other.path == file.path {
                return Err(Error::Twice(file.path.clone()));
            }
            if other.path.is_below(&file.path) {
                return Err(Error::FileAndFolder(file.path.clone(), other.path.clone()));
            }
        }
    }
    Ok(())
}

fn large(bytes: usize) -> Diagnostic {
    let message = format!("{} KiB of JSON, which is large for a MachineConfig", bytes >> 10);
    let limit = format!("all MachineConfigs of a pool have {} KiB together", POOL_BYTES_MAX >> 10);
    Diagnostic::placeless(Severity::Warning, message).remark(limit)
}

/// Of what several MachineConfigs say of one unit, the last holds, by name.
fn sorts_too_early(name: &ObjectName) -> Option<Diagnostic> {
    (name.as_str() < DNSMASQ_CONFIG).then(|| {
        let message = format!("`{name}` sorts before `{DNSMASQ_CONFIG}`, which starts dnsmasq again");
        Diagnostic::placeless(Severity::Warning, message).help("choose a --name that begins with 99-")
    })
}

/// Where a file is found on a node: as `found` is seen from `folder`, so it is seen from `node_folder` there;
/// an absolute path is the same everywhere.
pub fn node_place(
    found: &std::path::Path,
    folder: &std::path::Path,
    node_folder: &std::path::Path,
) -> PathBuf {
    found.strip_prefix(folder).map_or_else(|_| found.to_owned(), |below| node_folder.join(below))
}

#[cfg(test)]
mod tests;
