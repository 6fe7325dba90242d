/** The token of a box that asks for one: kept in this tab, or on this device when its person says so. */

const KEPT = "ziyan.token";

/** The headers of a request to the box. */
export function authorization() {
  const token = known();
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** Keeps `token`, in this tab alone unless `onDevice`. */
export function keepToken(token, { onDevice }) {
  forgetToken();
  try {
    (onDevice ? localStorage : sessionStorage).setItem(KEPT, token);
  } catch {
    unkept = token; // storage is forbidden: it holds until the page is left
  }
}

export function forgetToken() {
  unkept = null;
  try {
    sessionStorage.removeItem(KEPT);
    localStorage.removeItem(KEPT);
  } catch {
    /* nothing was kept */
  }
}

export const hasToken = () => known() !== null;

let unkept = null;

function known() {
  try {
    return unkept ?? sessionStorage.getItem(KEPT) ?? localStorage.getItem(KEPT);
  } catch {
    return unkept;
  }
}
