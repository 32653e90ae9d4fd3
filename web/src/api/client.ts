/** Questions to the server, and answers that are no success. */

/** An answer that is no success, or none at all. The message is a sentence for a person. */
export class ApiError extends Error {
  readonly status: number | null;
  readonly type: string;

  constructor(message: string, status: number | null, type = "about:blank") {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.type = type;
  }
}

export async function ask<T>(path: string, order?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (order !== undefined) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(`/api/v1${path}`, {
      // Always asked anew: what was read before a transaction is old after it. The tag makes it cheap.
      cache: "no-cache",
      headers,
      ...(order === undefined ? {} : { method: "POST", body: JSON.stringify(order) }),
    });
  } catch {
    throw new ApiError("The server does not answer.", null);
  }
  const body: unknown = await answer.json().catch(() => null);
  if (!answer.ok) throw problem(answer, body);
  if (body === null) throw new ApiError("The server's answer cannot be read.", answer.status);
  return body as T;
}

function problem(answer: Response, body: unknown): ApiError {
  const { title, detail, type } = (body ?? {}) as { title?: string; detail?: string; type?: string };
  const message = title ? `${title}${detail ? `: ${detail}` : ""}.` : `The server answers ${answer.status}.`;
  return new ApiError(message, answer.status, type);
}
