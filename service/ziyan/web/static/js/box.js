/** What this box is and can do, as it said itself when it served the page: options, limits, paths. */

const { options = {}, formats = [], limits = {}, ...others } = JSON.parse(document.body.dataset.options);
const paths = new Set(JSON.parse(document.body.dataset.paths));

export const box = {
  options,
  formats,
  limits,
  others,
  bodyBytes: limits.body_bytes ?? Infinity,
  documents: others.jobs ?? {},
  readsDocuments: paths.has("/api/jobs"),
  tellsProgress: [...paths].some((path) => path.startsWith("/api/progress/")),
  isGuarded: document.body.dataset.guarded === "true",
  exports: paths.has("/api/export"),
};
