//! The certificate of encrypted transports: followed while it is served, and told of when it changes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::control::{CERTIFICATE_DAYS_SHORT, CertificateStatus, UtcTime};
use crate::tls::{CertificateChange, CertificateStanding, FileError, PairFiles, ServerTls, days_until};

/// How often the files are looked at: two system calls.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The certificate, while somebody looks at its files.
pub(super) struct Certificate {
    tls: ServerTls,
    /// Notified when other files are followed.
    changed: Arc<Notify>,
}

impl Certificate {
    /// Looks at the files once, and follows them, and so the file with the authorities of clients.
    pub(super) async fn start(files: Option<PairFiles>, clients: Option<PathBuf>) -> Certificate {
        let (tls, changed) = (ServerTls::new(), Arc::new(Notify::new()));
        tls.follow(files);
        tls.follow_clients(clients);
        look(&tls).await;
        let (followed, other_files) = (tls.clone(), Arc::clone(&changed));
        tokio::spawn(async move {
            let mut told = Nearness::Far;
            loop {
                told = tell_of_end(&followed, told);
                // Either way it is time.
                let _ = timeout(LOOK_INTERVAL, other_files.notified()).await;
                look(&followed).await;
            }
        });
        Certificate { tls, changed }
    }

    /// What handshakes are made with.
    pub(super) fn tls(&self) -> ServerTls {
        self.tls.clone()
    }

    /// Follows these files from now on; what is served stays until they can be used.
    pub(super) fn follow(&self, files: Option<PairFiles>, clients: Option<PathBuf>) {
        self.tls.follow(files);
        self.tls.follow_clients(clients);
        self.changed.notify_one();
    }

    /// Looks at the files now, and again: what is found once may be a renewal that is under way.
    pub(super) fn look(&self) -> impl Future<Output = ()> + Send + use<> {
        let tls = self.tls.clone();
        async move {
            look(&tls).await;
            look(&tls).await;
        }
    }

    /// What is wrong with the files as they are, and what is shown instead; none: nothing is, or none are named.
    pub(super) fn fault(&self) -> Option<String> {
        let status = self.tls.status()?;
        status.fault.map(|fault| refusal(&fault, status.standing))
    }

    /// Why encrypted transports do not serve, though a certificate is named.
    pub(super) fn trouble(&self) -> Option<String> {
        let status = self.tls.status()?;
        let why =
            status.fault.map_or_else(|| "it has not been read yet".to_owned(), |fault| fault.to_string());
        (status.standing == CertificateStanding::Missing).then(|| format!("no certificate is served: {why}"))
    }

    /// What is known of it; none: no file is named.
    pub(super) fn status(&self) -> Option<CertificateStatus> {
        let status = self.tls.status()?;
        Some(CertificateStatus {
            certificate: status.certificate.display().to_string(),
            expires_at: status.not_after.map(UtcTime),
            days_left: status.not_after.map(|end| days_until(end, SystemTime::now())),
            served: status.standing == CertificateStanding::Served,
            error: status.fault.as_ref().map(ToString::to_string),
        })
    }
}

/// Looks at the files on a thread that may wait for them, and says what came of it.
async fn look(tls: &ServerTls) {
    let looking = tls.clone();
    let looked = spawn_blocking(move || (looking.look(SystemTime::now()), looking.look_at_clients()));
    let Ok((change, clients)) = looked.await else { return };
    change.iter().for_each(tell);
    match clients {
        Some(Ok(())) => info!("the authorities of clients can be used"),
        Some(Err(fault)) => error!("{fault}; who is allowed something as `tls:NAME` is refused meanwhile"),
        None => {}
    }
}

/// How near the end of the certificate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nearness {
    Far,
    Near,
    Over,
}

impl Nearness {
    fn of(end: Option<SystemTime>, now: SystemTime) -> Nearness {
        match end.map(|end| days_until(end, now)) {
            Some(..0) => Nearness::Over,
            Some(0..CERTIFICATE_DAYS_SHORT) => Nearness::Near,
            Some(CERTIFICATE_DAYS_SHORT..) | None => Nearness::Far,
        }
    }
}

/// Says when the end comes near, and when it has come: once each. Returns what is told now.
fn tell_of_end(tls: &ServerTls, told: Nearness) -> Nearness {
    let Some(status) = tls.status() else { return Nearness::Far };
    let nearness = Nearness::of(status.not_after, SystemTime::now());
    let shown = status.certificate.display();
    match (nearness, status.not_after) {
        (Nearness::Near, Some(end)) if told != nearness => {
            warn!("certificate {shown} expires at {}, and nobody has renewed it", UtcTime(end));
        }
        (Nearness::Over, Some(end)) if told != nearness => {
            error!("certificate {shown} expired at {}: clients that look refuse it", UtcTime(end));
        }
        (Nearness::Near | Nearness::Over | Nearness::Far, _) => {}
    }
    nearness
}

/// Why the files are not served, and what is.
fn refusal(fault: &FileError, standing: CertificateStanding) -> String {
    match standing {
        CertificateStanding::Served => {
            format!("{fault}; the certificate that was read before is still served")
        }
        CertificateStanding::Missing => {
            format!(
                "{fault}; there is no other certificate, so that encrypted transports refuse every client"
            )
        }
    }
}

fn tell(change: &CertificateChange) {
    match change {
        CertificateChange::Taken { certificate, not_after } => {
            let shown = certificate.display();
            match not_after {
                Some(end) => info!("certificate {shown} is served, valid until {}", UtcTime(*end)),
                None => warn!("certificate {shown} is served; nobody knows until when it is valid"),
            }
        }
        CertificateChange::Refused { fault, standing: standing @ CertificateStanding::Served } => {
            warn!("{}", refusal(fault, *standing));
        }
        CertificateChange::Refused { fault, standing: standing @ CertificateStanding::Missing } => {
            error!("{}", refusal(fault, *standing));
        }
        CertificateChange::Mended => info!("the files of the certificate can be used again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_near_two_weeks_before_it_and_over_from_then_on() {
        const DAY: Duration = Duration::from_hours(24);
        let now = SystemTime::now();
        assert_eq!(Nearness::of(Some(now + 14 * DAY), now), Nearness::Far);
        assert_eq!(Nearness::of(Some(now + 14 * DAY - Duration::from_secs(1)), now), Nearness::Near);
        assert_eq!(Nearness::of(Some(now), now), Nearness::Near);
        assert_eq!(Nearness::of(Some(now - Duration::from_secs(1)), now), Nearness::Over);
        assert_eq!(Nearness::of(None, now), Nearness::Far);
    }
}
