//! Symptoms: reasons of failures, sorted into few kinds that can be counted.
//!
//! Sorts each reason into one, and names them: metrics have the name as a label. The text for a log line is
//! in `outcome`.

use super::outcome::Reason;

/// Makes the enum, the list and the names from one line per symptom.
macro_rules! symptoms {
    ($($(#[$doc:meta])* $symptom:ident is $name:literal;)+) => {
        /// What kind of failure it was.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Symptom {
            $($(#[$doc])* $symptom,)+
        }

        impl Symptom {
            /// Every one.
            pub const ALL: &[Symptom] = &[$(Symptom::$symptom),+];

            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// Its name in metrics and in the status.
            pub fn name(self) -> &'static str {
                match self { $(Symptom::$symptom => $name),+ }
            }
        }
    };
}

symptoms! {
    /// Nobody listens.
    Refused is "refused";
    /// The connection was reset.
    Reset is "reset";
    /// There is no way to the target, or no host at its address.
    Unreachable is "unreachable";
    /// A firewall does not let it pass.
    Prohibited is "prohibited";
    /// It took too long.
    Timeout is "timeout";
    /// The target closed the connection too early.
    Closed is "closed";
    /// It speaks TLS in another way than is wanted, or not at all.
    Tls is "tls";
    /// Its certificate cannot be believed.
    Certificate is "certificate";
    /// It breaks the rules of HTTP.
    Http is "http";
    /// The status of its response does not pass.
    Status is "status";
    /// The body of its response does not.
    Body is "body";
    /// It redirects to where no probe follows.
    Redirect is "redirect";
    /// It says that it does not serve, over gRPC or in a file of states.
    State is "state";
    /// It breaks the rules of gRPC, or its call ends with a status.
    Grpc is "grpc";
    /// A DNS query is answered otherwise than is wanted.
    Dns is "dns";
    /// A step of a dialogue is.
    Dialogue is "dialogue";
    /// Any other system error.
    Other is "other";
}

impl Reason {
    /// What kind of failure it is.
    pub fn symptom(&self) -> Symptom {
        match self {
            Reason::Refused => Symptom::Refused,
            Reason::Reset => Symptom::Reset,
            Reason::NoRoute | Reason::NetworkUnreachable => Symptom::Unreachable,
            Reason::Prohibited => Symptom::Prohibited,
            Reason::TimedOut { .. } | Reason::GaveUp => Symptom::Timeout,
            Reason::Closed { .. } => Symptom::Closed,
            Reason::NotTls | Reason::Alert { .. } | Reason::NoCommonProtocol | Reason::BrokenTls { .. } => {
                Symptom::Tls
            }
            Reason::Expired
            | Reason::NotYetValid
            | Reason::UnknownIssuer
            | Reason::WrongName { .. }
            | Reason::BadCertificate { .. } => Symptom::Certificate,
            Reason::BrokenHttp { .. } => Symptom::Http,
            Reason::Status { .. } => Symptom::Status,
            Reason::BodyLacks { .. } => Symptom::Body,
            Reason::Redirects { .. } | Reason::RedirectsElsewhere { .. } => Symptom::Redirect,
            Reason::NotServing { .. } | Reason::State { .. } => Symptom::State,
            Reason::Grpc { .. } | Reason::BrokenGrpc { .. } => Symptom::Grpc,
            Reason::DnsAnswer { .. } | Reason::BrokenDns { .. } => Symptom::Dns,
            Reason::Unexpected { .. } | Reason::NotFound { .. } => Symptom::Dialogue,
            Reason::Broken { .. } | Reason::Other { .. } => Symptom::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_symptoms_have_the_same_name() {
        let names: HashSet<&str> = Symptom::ALL.iter().map(|symptom| symptom.name()).collect();
        assert_eq!(names.len(), Symptom::COUNT);
    }

    #[test]
    fn a_symptom_stands_at_its_place_in_the_list() {
        assert!(Symptom::ALL.iter().enumerate().all(|(place, symptom)| *symptom as usize == place));
    }
}
