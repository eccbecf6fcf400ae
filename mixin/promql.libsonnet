// Pieces of PromQL that several rules share: durations, increases with first calls, bounds of shares and of counts.
function(config) {
  local promql = self,
  local z = config.z,
  local z2 = z * z,
  local replicas = std.join(', ', config.replicaLabels),

  // A number of seconds as PromQL writes it, compressed.
  d(seconds)::
    local ms = std.floor(seconds * 1000 / config.compress + 0.5);
    local units = [[86400000, 'd'], [3600000, 'h'], [60000, 'm'], [1000, 's'], [1, 'ms']];
    local unit = [unit for unit in units if ms % unit[0] == 0][0];
    '%d%s' % [ms / unit[0], unit[1]],

  // A window that has the sample at its very beginning under every Prometheus; since 3.0 a window is open there.
  andAMillisecond(seconds):: '%dms' % (std.floor(seconds * 1000 / config.compress + 0.5) + 1),

  // A metric with these matchers and those of the configuration.
  metric(name, matchers='')::
    local all = std.join(',', [part for part in [matchers, config.selector] if part != '']);
    if all == '' then name else '%s{%s}' % [name, all],

  without(labels):: 'without (%s)' % std.join(', ', config.replicaLabels + labels),

  // Calls or faults of a window from the counters of each exporter; windows of hours are read from samples that are
  // further apart. The first calls of a new trunk, which increase() does not see, stand in `born`. What is put together here and
  // below differs in one label, and is told apart by it alone, which is cheaper than by all labels.
  increase(name, matchers, window, drop)::
    local selector = (if matchers == '' then '' else '{' + matchers + '}') + '[' + promql.d(window) + ']';
    local series = if window > config.hour then { sum: ':sparse_sum', born: ':sparse_born' } else { sum: ':sum', born: ':born' };
    'sum ' + promql.without(drop + ['part']) + ' (\n'
    + '  label_replace(increase(' + name + series.sum + selector + '), "part", "seen", "", "")\n'
    + '  or on (part) label_replace(min_over_time(' + name + series.born + selector + '), "part", "born", "", "")\n'
    + ')',

  // The share that these of those surely are at least. The arcsine of its root is off by 1 / (2 * sqrt(all)) at every share, also
  // at small ones: Wilson's bound takes three faults in thirty calls for sure, which happens on some trunk each day.
  lowerBound(some, all)::
    'sin(clamp_min(asin(sqrt(clamp_max(' + some + ' / (' + all + ' > 0), 1))) - ' + z / 2 + ' / sqrt(' + all + '), 0)) ^ 2',
  // A lower bound with half a standard deviation more, from the bound itself.
  surer(bound, all):: 'sin(clamp_min(asin(sqrt(%s)) - 0.25 / sqrt(%s), 0)) ^ 2' % [bound, all],
  // The share that they surely are at most: Wilson's bound, which is wide where there are none of them.
  upperBound(some, all)::
    '(' + some + ' + ' + z2 / 2 + ' + ' + z + ' * sqrt(' + some + ' * clamp_min(1 - ' + some + ' / ' + all + ', 0) + ' + z2 / 4
    + ')) / ((' + all + ' > 0) + ' + z2 + ')',

  // The most calls that a Poisson process surely has on average if so many were seen.
  upperBoundOfCount(count)::
    '%(count)s + %(half)g + %(z)g * sqrt(%(count)s + %(quarter)g)' % { count: count, half: z2 / 2, quarter: z2 / 4, z: z },

  // The same where none were seen.
  mostOfNone:: z2,

  // The increase of a long window from that of a short one, at so many times one behind the other. There may be no
  // series for a part in which nothing happened. The cost grows with the square of the number of parts.
  sumOfParts(series, short, long)::
    local part(number) =
      local offset = if number == 0 then '' else ' offset ' + promql.d(number * short);
      'label_replace(%s%s, "part", "%d", "", "")' % [series, offset, number];
    'sum without (part) (\n  %s\n)' % std.join('\n  or on (part) ', [part(number) for number in std.range(0, long / short - 1)]),

  // The median of what a series was at several times before; times that Prometheus does not know are left out.
  median(series, offsets)::
    local one(offset) = 'label_replace(%s, "before", "%s", "", "")' % [series(promql.d(offset)), promql.d(offset)];
    'quantile without (before) (0.5,\n  %s\n)' % std.join('\n  or on (before) ', [one(offset) for offset in offsets]),
}
