//! The control socket as a file: its permissions, when an old one is replaced, and its removal.

use std::fmt;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// Its owner and its group may connect.
const MODE: u32 = 0o660;

/// A socket that is listened on. Its file goes with it.
#[derive(Debug)]
pub struct ControlSocket {
    path: PathBuf,
    /// Device and inode: another process may have put its own file there since.
    file: (u64, u64),
}

/// Why there is no socket.
#[derive(Debug)]
pub enum SocketError {
    /// Another process answers on it.
    InUse(PathBuf),
    /// The path holds something that is not a socket.
    NoSocket(PathBuf),
    /// The system refused.
    System(PathBuf, io::Error),
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SocketError::InUse(path) => write!(f, "{}: another process answers on it", path.display()),
            SocketError::NoSocket(path) => write!(f, "{}is not a socket; it is left alone", path.display()),
            SocketError::System(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for SocketError {}

impl ControlSocket {
    /// Listens on `path`. A file that an earlier process left there is replaced in one step; a socket that
    /// answers is not.
    ///
    /// # Errors
    ///
    /// When the path is taken, or the system refuses.
    pub fn bind(path: &Path) -> Result<(ControlSocket, UnixListener), SocketError> {
        let system = |error| SocketError::System(path.to_owned(), error);
        match std::fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(SocketError::NoSocket(path.to_owned()));
            }
            Ok(_) if UnixStream::connect(path).is_ok() => return Err(SocketError::InUse(path.to_owned())),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(system(error)),
            Ok(_) | Err(_) => {}
        }
        // Made beside it and moved there once its mode is right, so that no other process connects before.
        let mut fresh = path.to_owned().into_os_string();
        fresh.push(format!(".{}", std::process::id()));
        let fresh = PathBuf::from(fresh);
        let listener = Self::make(&fresh).map_err(system)?;
        let moved = std::fs::symlink_metadata(&fresh)
            .and_then(|file| std::fs::rename(&fresh, path).map(|()| (file.dev(), file.ino())));
        match moved {
            Ok(file) => Ok((ControlSocket { path: path.to_owned(), file }, listener)),
            Err(error) => {
                let _ = std::fs::remove_file(&fresh);
                Err(system(error))
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn make(path: &Path) -> io::Result<UnixListener> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE))?;
        Ok(listener)
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let ours = |file: std::fs::Metadata| (file.dev(), file.ino()) == self.file;
        if std::fs::symlink_metadata(&self.path).is_ok_and(ours) {
            // A file that stays is replaced at the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
