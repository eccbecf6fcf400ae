// Everything that a site may want to change, in one place. README.md shows how.
{
  _config+:: {
    // Which exporters: matchers added to every metric of ours, and those that find the scrape job.
    selector: '',
    exporterSelector: 'job=~".*cdr-exporter.*"',
    // Labels that change when an exporter moves or is replicated; exporters that differ in them alone add up.
    replicaLabels: ['instance', 'pod', 'node'],

    // Labels that tell exporters apart, each of which may have a source of the same name.
    targetLabels: ['job'],

    // Addresses in messages, without a slash at the end.
    grafanaUrl: 'http://localhost:3000',
    runbooksUrl: 'https://cdr-exporter.example.com/docs/runbooks.md',
    collectingUrl: 'https://cdr-exporter.example.com/docs/collecting.md',

    // How sure an alert must be, in standard deviations; 3 is about one in a thousand for each look.
    z: 3,
    // Shares of failed calls that nobody minds: what is usual for the trunk times a factor, but never below or above these.
    allowedAtLeast: 0.02,
    allowedAtMost: 0.06,
    // A trunk that surely loses this share of its calls wakes someone; so do all trunks together at the lower share.
    criticalShare: 0.25,
    criticalShareOfAll: 0.1,
    // And so does a trunk with few calls that surely loses this share of them over six hours.
    criticalShareOfFew: 0.5,
    // Spikes of one cause: how many times the usual share, and the shares between which that is looked at.
    spikeFactor: 3,
    spikeAtLeast: { critical: 0.05, warning: 0.02 },
    spikeAtMost: 0.3,
    // The same for a trunk of which no usual share is known yet.
    spikeOfUnknown: 0.1,
    // Share of calls of one direction that the network may fail to carry (1 - NER).
    ineffectiveShare: 0.1,
    // A trunk carries too few calls when it surely carries less than this part of what it usually does.
    silentBelow: 0.25,
    // An SBC counts as decommissioned when its silence rang for so many hours and no call came in two days.
    decommissionedAfterHours: 16,

    // Whether alerts leave out a source that names another in `prefer`, while that one brings calls. It does not any more when the
    // newest call of the other is so many seconds newer than its own.
    yieldToPreferred: true,
    preferredBehind: 15 * 60,

    // Seconds between two evaluations: `calls` of the last ten minutes and hour, which must be a whole number of times in ten
    // minutes, and of the alerts that look at them; `history` of long windows and theirs; `usual` of what is usual of each cause
    // and of the exporter's books. More than 240 would leave gaps.
    callsInterval: 150,
    historyInterval: 240,
    usualInterval: 240,
    minute: 60,
    hour: 3600,
    day: 24 * 3600,
    week: 7 * 24 * 3600,
    // Time runs so many times faster. Only tests have reason to change this.
    compress: 1,
  },
}
