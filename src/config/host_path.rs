//! Paths of what is on the host, and need not be there yet.

use std::path::{Path, PathBuf};

use crate::setting::Value;
use crate::source::Diagnostic;

/// A path, relative to `folder`.
pub(super) fn host_path(value: Value<'_>, folder: &Path) -> Result<PathBuf, Diagnostic> {
    match value.text()? {
        "" => Err(value.fault("the path is empty")),
        text if text.contains('\0') => Err(value.fault("no path holds a NUL byte")),
        text => Ok(folder.join(text)),
    }
}

/// The path of a Unix socket, of so many bytes at most.
pub(super) fn unix_socket(value: Value<'_>, folder: &Path, bytes_max: usize) -> Result<PathBuf, Diagnostic> {
    let path = host_path(value, folder)?;
    if path.as_os_str().len() > bytes_max {
        return Err(value.fault(format!("longer than the {bytes_max} bytes a socket's path may have")));
    }
    Ok(path)
}
