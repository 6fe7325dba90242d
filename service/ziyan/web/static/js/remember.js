/** Which documents this browser handed over, so that a reload, or a closed lid, finds them again. */

const KEPT = "ziyan.jobs";
const MOST = 20;

/** [{id, name, size}], the oldest first. */
export function rememberedJobs() {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(found) ? found.filter((job) => typeof job?.id === "string") : [];
  } catch {
    return [];
  }
}

export function rememberJob(job) {
  keep([...rememberedJobs().filter(({ id }) => id !== job.id), job].slice(-MOST));
}

export function forgetJob(id) {
  keep(rememberedJobs().filter((job) => job.id !== id));
}

function keep(jobs) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(jobs));
  } catch {
    /* forgotten at the next visit; the box keeps the job all the same */
  }
}
