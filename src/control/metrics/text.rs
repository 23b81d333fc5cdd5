//! The text formats of metrics: families of samples with labels, in OpenMetrics and in Prometheus' older
//! form.

use std::fmt::{Display, Write};

/// How the text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control) enum Form {
    /// Prometheus text format 0.0.4.
    Plain,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Form {
    /// The form that this `Accept` header asks for.
    pub(in crate::control) fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Form::OpenMetrics } else { Form::Plain }
    }

    /// Its name in HTTP.
    pub(in crate::control) fn content_type(self) -> &'static str {
        match self {
            Form::Plain => "text/plain; version=0.0.4; charset=utf-8",
            Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Labels as they are written, without braces: `zone="lab.example."`. There may be thousands of samples with
/// the same ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels(String);

impl Labels {
    /// One label.
    pub(super) fn of(name: &str, value: &str) -> Self {
        Labels::default().and(name, value)
    }

    /// One more.
    pub(super) fn and(mut self, name: &str, value: &str) -> Self {
        let between = if self.0.is_empty() { "" } else { "," };
        // Writing to a text never fails.
        let _ = write!(self.0, "{between}{name}=\"");
        for character in value.chars() {
            match character {
                '\\' => self.0.push_str("\\\\"),
                '"' => self.0.push_str("\\\""),
                '\n' => self.0.push_str("\\n"),
                other => self.0.push(other),
            }
        }
        self.0.push('"');
        self
    }
}

/// What a histogram says under one set of labels.
pub(super) struct Distribution<'d> {
    /// How many there are up to each bound and above the one before; last, how many there are above all.
    pub(super) counts: &'d [u64],
    /// All that was counted, added up.
    pub(super) sum: f64,
}

/// The text while it is written.
pub(super) struct Text {
    form: Form,
    written: String,
}

impl Text {
    pub(super) fn new(form: Form) -> Self {
        Text { form, written: String::new() }
    }

    pub(super) fn finish(mut self) -> String {
        if self.form == Form::OpenMetrics {
            self.written.push_str("# EOF\n");
        }
        self.written
    }

    pub(super) fn gauge<V: Display>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels, V)>,
    ) {
        self.family(name, "gauge", help, name, samples);
    }

    /// The samples of a counter end in `_total`; whether its name does, too, depends on the form.
    pub(super) fn counter<V: Display>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels, V)>,
    ) {
        let total = format!("{name}_total");
        let family = if self.form == Form::OpenMetrics { name } else { &total };
        self.family(family, "counter", help, &total, samples);
    }

    /// A histogram whose bounds are the same for all samples.
    pub(super) fn histogram<'d>(
        &mut self,
        name: &str,
        help: &str,
        bounds: &[f64],
        samples: impl IntoIterator<Item = (Labels, Distribution<'d>)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        self.head(name, "histogram", help);
        // OpenMetrics wants numbers of this kind with a point.
        let bounds: Vec<String> = bounds.iter().map(|bound| format!("{bound:?}")).collect();
        let bounds = || bounds.iter().map(String::as_str).chain(["+Inf"]);
        for (labels, Distribution { counts, sum }) in samples {
            let comma = if labels.0.is_empty() { "" } else { "," };
            let mut so_far = 0;
            for (bound, count) in bounds().zip(counts.iter().chain(std::iter::repeat(&0))) {
                so_far += count;
                let Labels(labels) = &labels;
                let _ = writeln!(self.written, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {so_far}");
            }
            self.sample(&format!("{name}_sum"), &labels, sum);
            self.sample(&format!("{name}_count"), &labels, so_far);
        }
    }

    /// A family without samples is not spoken of.
    fn family<V: Display>(
        &mut self,
        family: &str,
        kind: &str,
        help: &str,
        name: &str,
        samples: impl IntoIterator<Item = (Labels, V)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_some() {
            self.head(family, kind, help);
        }
        for (labels, value) in samples {
            self.sample(name, &labels, value);
        }
    }

    fn head(&mut self, family: &str, kind: &str, help: &str) {
        let _ = write!(self.written, "# HELP {family} {help}\n# TYPE {family} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &Labels, value: impl Display) {
        let _ = match labels.0.as_str() {
            "" => writeln!(self.written, "{name} {value}"),
            labels => writeln!(self.written, "{name}{{{labels}}} {value}"),
        };
    }
}

/// A value without labels.
pub(super) fn plain<V>(value: V) -> (Labels, V) {
    (Labels::default(), value)
}
