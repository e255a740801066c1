// Draws one dashboard with the published parts of Grafana, and is not Grafana: the grid, the queries
// and the bands of state timelines are this file's own, and so is every difference to the original.
//
// The page says in `window.look` what to draw.  `document.body.dataset.drawn` is set when all is drawn:
// a JSON list of the panels that failed, and of those that are empty and do not say why.
import {
  FieldConfigOptionsRegistry, FieldType, applyFieldOverrides, applyNullInsertThreshold,
  cacheFieldDisplayNames, createTheme, dateTime, getDisplayValueAlignmentFactors, getFieldDisplayName,
  getFieldDisplayValues, rangeUtil, renderLegendFormat, standardTransformers, standardTransformersRegistry, transformDataFrame,
} from '@grafana/data';
import {
  BarGauge, BigValue, GlobalStyles, PanelChrome, Table, ThemeContext, TimeSeries, VizLegend, VizRepeater,
} from '@grafana/ui';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { lastValueFrom } from 'rxjs';

const { board, prometheus, mode, from, to, scrape, width, chosen, caption } = window.look;
const theme = createTheme({ colors: { mode }, typography: { fontFamily: 'Inter Variable, sans-serif' } });
const range = { from: dateTime(from), to: dateTime(to), raw: { from: dateTime(from), to: dateTime(to) } };
const [CELL, GAP, EDGE] = [30, 8, 16]; // Grafana's grid: rows of 30 px, 8 px between
const UNSTYLED = 'continuous-GrYlRd'; // the colour scheme of a state timeline that has none set
const timeZone = 'utc';
const replaceVariables = (text) => text; // in links and names: nothing that is seen
const COLORS = { timeseries: 'palette-classic', 'state-timeline': UNSTYLED };

const { organizeFieldsTransformer: organize } = standardTransformers; // the only one that the dashboards use
standardTransformersRegistry.setInit(() => [{ ...organize, transformation: organize, editor: null }]);

async function ask(path, parameters) {
  const answer = await fetch(`${prometheus}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(parameters) });
  const body = await answer.json();
  if (body.status !== 'success') {
    throw new Error(body.error);
  }
  return body.data;
}

// Variables: `values` go into expressions, `shown` into the line at the top.
const escaped = (word) => word.replace(/[\\^$*+?.()|[\]{}]/g, '\\\\$&');

const filled = (text, values) =>
  text.replace(/\$\{?(\w+)(?::\w+)?\}?/g, (whole, name) => (name in values ? values[name] : whole));

async function variables() {
  const [values, shown] = [{}, []];
  for (const one of board.templating.list) {
    if (one.type !== 'query') {
      continue;
    }
    const [, selector, label] = filled(one.query.query, values).match(/^label_values\((.*), *(\w+)\)$/);
    const series = await ask('series', { 'match[]': selector, start: from / 1000, end: to / 1000 });
    const found = [...new Set(series.map((labels) => labels[label]))].filter(Boolean).sort();
    const word = found.includes(chosen[one.name]) ? chosen[one.name] : found[0] ?? '';
    const every = one.allValue ?? `(${found.map(escaped).join('|')})`;
    values[one.name] = one.includeAll ? every : word;
    shown.push(`${one.label}: ${one.includeAll ? 'All' : word}`);
  }
  return { values, shown };
}

// A panel's data, as the Prometheus data source gives it.
const value = (text) => Number(text.replace('Inf', 'Infinity'));

function series(rows, target, step) {
  return rows.map(({ metric, values, value: one }) => {
    const points = values ?? [one];
    const name = target.legendFormat && renderLegendFormat(target.legendFormat, metric);
    const times = points.map(([at]) => at * 1000);
    const numbers = points.map(([, text]) => value(text));
    return {
      refId: target.refId,
      length: points.length,
      fields: [
        { name: 'Time', type: FieldType.time, config: { interval: step * 1000 }, values: times },
        { name: 'Value', type: FieldType.number, labels: metric, config: { displayNameFromDS: name }, values: numbers },
      ],
    };
  });
}

function table(rows, target) {
  const labels = [...new Set(rows.flatMap((row) => Object.keys(row.metric)))].sort();
  const column = (name, type, values) => ({ name, type, config: {}, values });
  return {
    refId: target.refId,
    length: rows.length,
    fields: [
      column('Time', FieldType.time, rows.map((row) => row.value[0] * 1000)),
      ...labels.map((label) => column(label, FieldType.string, rows.map((row) => row.metric[label] ?? ''))),
      column('Value', FieldType.number, rows.map((row) => value(row.value[1]))),
    ],
  };
}

async function frames(panel, points, values) {
  const interval = rangeUtil.calculateInterval(range, points, `${scrape}s`).intervalMs / 1000;
  const own = {
    __interval: `${interval}s`,
    __rate_interval: `${Math.max(interval + scrape, 4 * scrape)}s`,
    __range: `${Math.round((to - from) / 1000)}s`,
  };
  const answers = panel.targets.map(async (target) => {
    const query = filled(target.expr, { ...own, ...values });
    if (target.instant) {
      const { result } = await ask('query', { query, time: to / 1000 });
      if (target.format === 'table') {
        return result.length ? [table(result, target)] : [];
      }
      return series(result, target, interval);
    }
    const start = Math.floor(from / 1000 / interval) * interval;
    const { result } = await ask('query_range', { query, start, end: to / 1000, step: interval });
    return series(result, target, interval);
  });
  return (await Promise.all(answers)).flat();
}

// Field settings are copied as they are; which kinds of panel know which is tsc's business, by the schema.
function registry({ defaults, overrides }) {
  const standard = ['unit', 'min', 'max', 'decimals', 'displayName', 'noValue', 'thresholds', 'mappings', 'links', 'color'];
  const custom = Object.keys(defaults.custom ?? {}).map((name) => `custom.${name}`);
  const changed = overrides.flatMap((override) => override.properties.map((property) => property.id));
  return new FieldConfigOptionsRegistry(() =>
    [...new Set([...standard, ...custom, ...changed])].map((id) => ({
      id,
      path: id.replace('custom.', ''),
      name: id,
      isCustom: id.startsWith('custom.'),
      process: (given) => given,
      shouldApply: () => true,
    }))
  );
}

async function prepared(panel, points, values) {
  const raw = await frames(panel, points, values);
  const data = await lastValueFrom(transformDataFrame(panel.transformations ?? [], raw));
  const fieldConfig = structuredClone(panel.fieldConfig);
  fieldConfig.defaults.color ??= COLORS[panel.type] && { mode: COLORS[panel.type] };
  fieldConfig.defaults.thresholds.steps[0].value = -Infinity; // null in JSON
  const fieldConfigRegistry = registry(fieldConfig);
  const done = applyFieldOverrides({ data, fieldConfig, fieldConfigRegistry, replaceVariables, theme, timeZone });
  cacheFieldDisplayNames(done);
  return { data: done, fieldConfig };
}

// The kinds of panel.
const figures = ({ options: { reduceOptions } }, { data, fieldConfig }) => () =>
  getFieldDisplayValues({ data, fieldConfig, reduceOptions, replaceVariables, theme, timeZone });

function Stat({ panel, ready, width, height }) {
  const draw = ({ value, width, height, count }) => (
    <BigValue {...panel.options} value={value.display} count={count} width={width} height={height} theme={theme} />
  );
  const { orientation } = panel.options;
  return <VizRepeater getValues={figures(panel, ready)} renderValue={draw} source={ready} {...{ width, height, orientation }} />;
}

function Bars({ panel, ready, width, height }) {
  const draw = ({ value, width, height, alignmentFactors }) => (
    <BarGauge
      {...panel.options}
      {...{ alignmentFactors, width, height, theme }}
      value={value.display}
      field={value.field}
      display={value.view?.getFieldDisplayProcessor(value.colIndex)}
      itemSpacing={GAP}
    />
  );
  const { orientation, minVizHeight, maxVizHeight } = panel.options;
  return (
    <VizRepeater
      {...{ width, height, orientation, minVizHeight, maxVizHeight }}
      getValues={figures(panel, ready)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={draw}
      source={ready}
      itemSpacing={GAP}
    />
  );
}

const Lines = ({ panel, ready, width, height }) => (
  <TimeSeries frames={ready.data} timeRange={range} legend={panel.options.legend} {...{ timeZone, width, height }} />
);

const Rows = ({ panel, ready, width, height }) => (
  <Table
    {...{ width, height }}
    data={ready.data[0]}
    fieldConfig={ready.fieldConfig}
    cellHeight={panel.options.cellHeight}
    initialSortBy={panel.options.sortBy}
    noHeader={!panel.options.showHeader}
  />
);

// Bands of one row: from, to, and the state; a step without a point ends a band.
function bands(frame, field) {
  const found = [];
  const at = applyNullInsertThreshold({ frame, refFieldPseudoMin: from, refFieldPseudoMax: to });
  const [times, states] = [at.fields[0].values, at.fields.find((one) => one.name === field.name).values];
  states.forEach((state, place) => {
    const last = found.at(-1);
    if (last && last.state === state) {
      last.end = times[place + 1] ?? to;
    } else {
      found.push({ state, begin: times[place], end: times[place + 1] ?? to });
    }
  });
  return found.filter(({ state }) => state != null);
}

const measure = document.createElement('canvas').getContext('2d');
measure.font = `12px ${theme.typography.fontFamily}`;

// One band: a box of the state's colour, and as much of its name as fits into it.
function Band({ told, left, right, top, tall, opacity, named }) {
  const room = Math.floor((right - left) / 9.5); // letters, as Grafana counts them
  return (
    <g>
      <rect x={left} y={top} width={Math.max(1, right - left)} height={tall} fill={told.color} fillOpacity={opacity} />
      {named && room > 1 && (
        <text x={left + 2} y={top + tall / 2 + 4} fontWeight={500} fill={theme.colors.getContrastText(told.color, 3)}>
          {told.text.slice(0, room)}
        </text>
      )}
    </g>
  );
}

// In the core of Grafana, so drawn here: with its measures, one page of rows, and names to the left.
function Bands({ panel, ready, width, height }) {
  const { perPage, rowHeight, showValue, legend } = panel.options;
  const color = theme.colors.text.primary;
  const all = ready.data.map((frame) => ({
    frame,
    field: frame.fields[1],
    name: getFieldDisplayName(frame.fields[1], frame, ready.data),
  }));
  const shown = all.slice(0, perPage);
  const states = shown.flatMap(({ field }) => field.values.map((one) => [field.display(one).text, field.display(one).color]));
  const items = [...new Map(states)].filter(([label]) => label).map(([label, color]) => ({ label, color, yAxis: 1 }));
  const scheme = panel.fieldConfig.defaults.color?.mode ?? UNSTYLED;
  const explained = legend.showLegend && !scheme.startsWith('continuous');
  const left = Math.max(...shown.map(({ name }) => measure.measureText(name).width)) + 22;
  const bottom = height - (explained ? 30 : 0) - (all.length > shown.length ? 40 : 0);
  const lane = (bottom - 26) / shown.length;
  const tall = lane * rowHeight;
  const x = (time) => left + ((Math.max(time, from) - from) / (to - from)) * (width - left);
  const ticks = Math.floor((width - left) / 90);
  const times = Array.from({ length: ticks }, (_, place) => from + ((to - from) * (place + 0.5)) / ticks);
  return (
    <div style={{ fontSize: 12 }}>
      <svg width={width} height={bottom} style={{ display: 'block' }}>
        {shown.map(({ frame, field, name }, row) => (
          <g key={row}>
            <text x={left - 16} y={lane * row + tall / 2 + 4} textAnchor="end" fill={color}>{name}</text>
            {bands(frame, field).map(({ state, begin, end }) => (
              <Band key={begin} told={field.display(state)} left={x(begin)} right={x(end)} top={lane * row} tall={tall}
                opacity={field.config.custom.fillOpacity / 100} named={showValue !== 'never'} />
            ))}
          </g>
        ))}
        {times.map((time) => (
          <text key={time} x={x(time)} y={bottom - 8} textAnchor="middle" fill={color}>
            {new Date(time).toISOString().slice(11, 19)}
          </text>
        ))}
      </svg>
      {all.length > shown.length && (
        <div style={{ height: 40, textAlign: 'center' }}>rows 1 to {shown.length} of {all.length}; the rest are on further pages</div>
      )}
      {explained && <VizLegend placement="bottom" displayMode="list" items={items} />}
    </div>
  );
}

const KINDS = { stat: Stat, bargauge: Bars, timeseries: Lines, table: Rows, 'state-timeline': Bands };
const problems = [];
let waiting = board.panels.filter((panel) => panel.type !== 'row').length;

function Panel({ panel, values, width, height }) {
  const [ready, become] = useState(null);
  useEffect(() => {
    prepared(panel, width, values)
      .catch((error) => ({ error }))
      .then((result) => {
        const empty = !result.error && !result.data.some((frame) => frame.length);
        if (result.error || (empty && !panel.fieldConfig.defaults.noValue)) {
          problems.push(`${panel.title}: ${result.error ?? 'No data'}`);
        }
        become({ ...result, empty });
        waiting -= 1;
        if (!waiting) {
          setTimeout(() => (document.body.dataset.drawn = JSON.stringify(problems)), 1500);
        }
      });
  }, []);
  const Kind = KINDS[panel.type];
  return (
    <PanelChrome title={panel.title} description={panel.description} {...{ width, height }}>
      {(inside, tall) => {
        if (!ready) {
          return null;
        }
        if (ready.error || ready.empty) {
          const style = { height: tall, display: 'grid', placeItems: 'center', color: theme.colors.text.secondary };
          return <div style={style}>{String(ready.error ?? panel.fieldConfig.defaults.noValue ?? 'No data')}</div>;
        }
        return <Kind panel={panel} ready={ready} width={inside} height={tall} />;
      }}
    </PanelChrome>
  );
}

function Page({ values, shown }) {
  const column = (width - 2 * EDGE - 23 * GAP) / 24;
  const bottom = Math.max(...board.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ padding: EDGE, width, boxSizing: 'border-box' }}>
        <p style={{ color: theme.colors.text.secondary }}>{caption}</p>
        <h1>{board.title}</h1>
        <p>{shown.join('    ')}</p>
        <div style={{ position: 'relative', height: bottom * (CELL + GAP) }}>
          {board.panels.map((panel) => {
            const { x, y, w, h } = panel.gridPos;
            const size = { width: w * column + (w - 1) * GAP, height: h * CELL + (h - 1) * GAP };
            return (
              <div key={panel.id} style={{ position: 'absolute', left: x * (column + GAP), top: y * (CELL + GAP), ...size }}>
                {panel.type === 'row' ? <h4 style={{ lineHeight: `${CELL}px` }}>⌄ {panel.title}</h4> : <Panel panel={panel} values={values} {...size} />}
              </div>
            );
          })}
        </div>
      </div>
    </ThemeContext.Provider>
  );
}

document.body.style.background = theme.colors.background.canvas;
variables()
  .then((found) => createRoot(document.getElementById('page')).render(<Page {...found} />))
  .catch((error) => (document.body.dataset.drawn = JSON.stringify([String(error)])));
